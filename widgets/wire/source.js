/** Asks the kernel by message, or by the trait `request`; `answer` is bytes that begin with the request's number. */

import { unpack } from "./payload.js";

const PATIENCE = 30_000; // milliseconds until a request counts as unanswered
const LONG_PATIENCE = 600_000; // where the kernel has accepted the request
const KEPT = 48_000_000; // bytes of payloads kept, the newest
const UNASKED = 8; // of those that came unasked

/**
 * A request: its kind, as `widgets/answers` has it, and what belongs to it.
 * @typedef {{ kind: string, [name: string]: any }} Request
 * @typedef {{ request: Request & { id: number }, resolve: (payload: any) => void, reject: (error: Error) => void, timer?: any }} Entry
 */

const PLAIN = 20_000; // bytes that a payload without columns is reckoned to take

/** Bytes of a payload: its columns share one buffer. @param {any} payload */
function sizeOf(payload) {
  const [column] = Object.values(payload.columns ?? {});
  return PLAIN + (column?.buffer.byteLength ?? 0);
}

/** One queue for all views of a model: the next request leaves when the one before was taken, so none is overwritten. */
export class KernelSource {
  /** @param {any} model as anywidget gives it */
  constructor(model) {
    this.model = model;
    /** @type {Entry[]} */
    this.queue = [];
    /** @type {Map<number, Entry>} what the kernel has accepted */
    this.taken = new Map();
    /** @type {string[]} */
    this.unasked = [];
    /** @type {Map<string, any>} */
    this.kept = new Map();
    /** @type {Set<(payload: any) => void>} */
    this.listeners = new Set();
    this.number = Math.floor(Math.random() * 2 ** 30);
    this.onAnswer = () => this.receive(model.get("answer"));
    model.on("change:answer", this.onAnswer);
  }

  async index() {
    return (await this.metrics()).index;
  }

  metrics() { return this.ask({ kind: "metrics" }); }

  /** @param {number} step */
  board(step) { return this.keeping({ kind: "board", step }); }

  /** @param {number} step @param {number} group */
  group(step, group) { return this.keeping({ kind: "group", step, group }); }

  /** Every method, and why its lens cannot be had on a group. @param {number} step @param {number} group @returns {Promise<import("../page/picker.js").MethodEntry[]>} */
  async methods(step, group) { return (await this.keeping({ kind: "methods", step, group })).methods; }

  /** The gradient weights of a method on the tokens of a group. @param {number} step @param {number} group @param {string} method */
  lens(step, group, method) { return this.ask({ kind: "lens", step, group, method }); }

  /** A problem, and the tracked ones, over the steps of the run. @param {string} problem */
  histories(problem) { return this.ask({ kind: "histories", problem }); }

  /** The rollouts of a tracked problem. @param {number} step @param {number} group */
  probe(step, group) { return this.ask({ kind: "probe", step, group }); }

  /** Rollouts that contain a text, of a step or of the whole run. @param {string} text @param {number | null} step */
  find(text, step) { return this.ask({ kind: "find", text, step }); }

  /** Continuations from another token. @param {{ step: number, rollout: number, at: number, token: number, n: number }} place */
  branch(place) { return this.ask({ kind: "branch", ...place }); }

  /** @param {boolean} on */
  follow(on) { return this.ask({ kind: "follow", on }); }

  /** An answer that does not change: asked for once, as long as it is among the newest. @param {Request} request */
  async keeping(request) {
    const key = Object.values(request).join(" ");
    if (!this.kept.has(key)) this.keep(key, await this.ask(request));
    return this.kept.get(key);
  }

  /** @param {string} key @param {any} payload */
  keep(key, payload) {
    this.kept.delete(key);
    this.kept.set(key, payload);
    let size = 0;
    for (const each of this.kept.values()) size += sizeOf(each);
    for (const [old, each] of this.kept) {
      if (size <= KEPT || old === key) break;
      size -= sizeOf(each);
      this.kept.delete(old);
    }
  }

  /** Any request; answers its payload, or fails with the kernel's error. @param {Request} request @returns {Promise<any>} */
  ask(request) {
    return new Promise((resolve, reject) => {
      this.number += 1;
      this.queue.push({ request: { ...request, id: this.number }, resolve, reject });
      if (this.queue.length === 1) this.send();
    });
  }

  send() {
    const [first] = this.queue;
    if (!first) return;
    this.deliver(first.request);
    this.wait(first, PATIENCE);
  }

  /** @param {Entry} entry @param {number} patience */
  wait(entry, patience) {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => this.finish(entry, null, new Error("the kernel does not answer: it may be busy, or was restarted")), patience);
  }

  /**
   * As a message, where there are messages (Panel has none): a trait waits until the kernel is done with the change
   * before, and that is never reported when the change arrived while a cell was awaiting something.
   * @param {Request} request
   */
  deliver(request) {
    if (this.model.send) this.model.send(request);
    else {
      this.model.set("request", request);
      this.model.save_changes();
    }
  }

  /** @param {Entry} entry @param {any} payload @param {Error | null} error */
  finish(entry, payload, error) {
    clearTimeout(entry.timer);
    this.dequeue(entry);
    this.taken.delete(entry.request.id);
    if (error) entry.reject(error);
    else entry.resolve(payload);
  }

  /** Takes a request out of the queue; the next one may go. @param {Entry} entry */
  dequeue(entry) {
    const first = this.queue[0] === entry;
    this.queue = this.queue.filter((each) => each !== entry);
    if (first) this.send();
  }

  /** @param {any} answer */
  receive(answer) {
    if (!answer?.byteLength) return;
    const bytes = new Uint8Array(answer.buffer ?? answer, answer.byteOffset ?? 0, answer.byteLength);
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const entry = this.queue[0]?.request.id === id ? this.queue[0] : this.taken.get(id);
    if (id !== 0 && !entry) return; // the answer to another view
    const payload = unpack(bytes.subarray(4));
    if (!entry) this.news(payload);
    else if (payload.accepted) this.accept(entry);
    else this.finish(entry, payload, payload.error ? new Error(payload.error) : null);
  }

  /** The kernel has accepted the request, and takes others meanwhile. @param {Entry} entry */
  accept(entry) {
    this.taken.set(entry.request.id, entry);
    this.wait(entry, LONG_PATIENCE);
    this.dequeue(entry);
  }

  /** Passes on what the kernel sent unasked, and keeps the newest of it: most of it is never requested. @param {any} payload */
  news(payload) {
    /** @type {Record<string, string | undefined>} */
    const keys = { board: `board ${payload.step}`, group: `group ${payload.step} ${payload.group}` };
    const key = keys[payload.kind];
    if (key) {
      this.keep(key, payload);
      this.unasked = [...this.unasked.filter((each) => each !== key), key];
      for (const old of this.unasked.splice(0, this.unasked.length - UNASKED)) this.kept.delete(old);
    }
    for (const listener of this.listeners) listener(payload);
  }

  close() {
    this.model.off("change:answer", this.onAnswer);
    for (const entry of [...this.queue, ...this.taken.values()]) clearTimeout(entry.timer);
    this.queue = [];
    this.taken.clear();
  }
}
