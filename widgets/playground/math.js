/** Equations: the LaTeX that papers' objectives are written in, as MathML, which browsers draw by themselves. */

const GREEK = Object.fromEntries("alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε kappa κ lambda λ mu μ omega ω pi π psi ψ rho ρ sigma σ tau τ Delta Δ Omega Ω"
  .split(" ").reduce((/** @type {[string, string][]} */ pairs, word, at, all) => (at % 2 ? [...pairs, [all[at - 1], word]] : pairs), []));
/** @type {Record<string, string>} */
const SIGNS = { sum: "∑", prod: "∏", cdot: "·", sim: "∼", in: "∈", ge: "≥", le: "≤", ne: "≠", cup: "∪", mp: "∓", pm: "±", lfloor: "⌊", rfloor: "⌋", lceil: "⌈", rceil: "⌉",
  "|": "‖", "{": "{", "}": "}", mid: "|", to: "→", infty: "∞", ldots: "…", cdots: "⋯", times: "×", partial: "∂" };
const NAMES = ["min", "max", "log", "exp", "arg", "tanh", "ln", "softmax"];
/** @type {Record<string, string>} */
const ACCENTS = { hat: "^", bar: "¯", tilde: "~", overline: "‾" };
/** @type {Record<string, string>} */
const SPACES = { ",": "0.17em", ";": "0.28em", ":": "0.22em", " ": "0.3em", quad: "1em", qquad: "2em" };
const SCRIPT = { L: "ℒ", D: "𝒟" };
const QUIET = /^(big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr|left|right|textstyle|displaystyle|limits)$/;

/** @param {string} tag @param {Record<string, string>} attributes @param {...(Node | string)} children */
function math(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/1998/Math/MathML", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The words of a LaTeX text: commands, and single characters. @param {string} text */
export function wordsOf(text) {
  return text.match(/\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\S|\s+/g) ?? [];
}

/** Reads words one after the other. What it does not know it shows by its name. */
class Reader {
  /** @param {string} latex */
  constructor(latex) {
    this.words = wordsOf(latex);
    this.at = 0;
  }

  /** The next word that is no space. */
  next() {
    while (/^\s+$/.test(this.words[this.at] ?? "")) this.at += 1;
    return this.words[this.at++];
  }

  peek() {
    const { at } = this;
    const word = this.next();
    this.at = at;
    return word;
  }

  /** Up to a word that ends it. @param {...(string | undefined)} ends */
  row(...ends) {
    const row = math("mrow", {});
    for (let word = this.peek(); word !== undefined && !ends.includes(word); word = this.peek()) row.append(this.scripted());
    return row;
  }

  /** Something with what stands below and above it. */
  scripted() {
    const base = this.atom(this.next() ?? "");
    /** @type {Record<string, Node>} */
    const found = {};
    for (let mark = this.peek(); mark === "_" || mark === "^" || mark === "'"; mark = this.peek()) {
      this.next();
      found[mark === "_" ? "_" : "^"] = mark === "'" ? math("mo", {}, "′") : this.argument();
    }
    if (found._ && found["^"]) return math("msubsup", {}, base, found._, found["^"]);
    if (found._) return math("msub", {}, base, found._);
    return found["^"] ? math("msup", {}, base, found["^"]) : base;
  }

  /** What a command is applied to: a group, or one word. */
  argument() {
    const word = this.next() ?? "";
    if (!/^\d\d/.test(word)) return this.atom(word);
    this.words[--this.at] = word.slice(1); // `\frac12` is a half
    return this.atom(word[0]);
  }

  /** The letters of a group as they stand, spaces and all. */
  plain() {
    if (this.next() !== "{") return this.words[this.at - 1] ?? "";
    let text = "";
    for (let depth = 1; this.at < this.words.length; this.at += 1) {
      const word = this.words[this.at];
      depth += word === "{" ? 1 : word === "}" ? -1 : 0;
      if (!depth) break;
      if (word === "\\ ") text += " ";
      else if (word !== "{" && word !== "}") text += word;
    }
    this.at += 1;
    return text;
  }

  /** @param {string} word @returns {Element} */
  atom(word) {
    if (word === "{") {
      const row = this.row("}");
      this.next();
      return row;
    }
    if (word[0] === "\\" && word.length > 1) return this.command(word.slice(1));
    if (/^\d/.test(word)) return math("mn", {}, word);
    return math(/[a-zA-Z]/.test(word) ? "mi" : "mo", {}, word === "-" ? "−" : word);
  }

  /** @param {string} name @returns {Element} */
  command(name) {
    if (GREEK[name]) return math("mi", {}, GREEK[name]);
    if (QUIET.test(name)) return math("mrow", {});
    if (SPACES[name]) return math("mspace", { width: SPACES[name] });
    if (ACCENTS[name]) return math("mover", { accent: "true" }, this.argument(), math("mo", { stretchy: String(name === "overline") }, ACCENTS[name]));
    if (name === "frac" || name === "tfrac" || name === "dfrac") return math("mfrac", {}, this.argument(), this.argument());
    if (name === "text") return math("mtext", {}, this.plain().replaceAll(" ", "\u00a0"));
    if (name === "mathrm" || name === "mathtt") return math("mi", { mathvariant: "normal" }, this.plain());
    if (name === "mathcal") return math("mi", {}, ...[...this.plain()].map((letter) => /** @type {any} */ (SCRIPT)[letter] ?? letter));
    if (name === "mathbb") return math("mi", {}, this.plain() === "1" ? "𝟙" : "𝔼");
    if (name === "begin") return this.cases();
    if (NAMES.includes(name)) return math("mi", {}, name);
    return math("mo", {}, SIGNS[name] ?? name);
  }

  /** The lines of `cases`, each after a brace. */
  cases() {
    this.plain();
    const table = math("mtable", { columnalign: "left", columnspacing: "1em" });
    let row = math("mtr", {});
    for (;;) {
      row.append(math("mtd", {}, this.row("&", "\\\\", "\\end")));
      const mark = this.next();
      if (mark === "&") continue;
      table.append(row);
      row = math("mtr", {});
      if (mark !== "\\\\") break;
    }
    this.plain();
    return math("mrow", {}, math("mo", { stretchy: "true" }, "{"), table);
  }
}

/** @param {string} latex */
export function equation(latex) {
  const reader = new Reader(latex);
  const found = math("math", { display: "inline" });
  while (reader.peek() !== undefined) found.append(reader.scripted());
  return found;
}
