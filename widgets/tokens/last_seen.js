/** Tells the kernel what is looked at, so that a saved notebook shows it. */

const REST = 400; // milliseconds for which a place must have been looked at

export class LastSeen {
  /** @param {any} source */
  constructor(source) {
    this.source = source;
    this.told = "";
  }

  /** Only a notebook is saved, and only there are messages sent. @param {import("../wire/payload.js").Group} group @param {string} signal */
  note({ kind, step, group }, signal) {
    const place = `${step} ${group} ${signal}`;
    if (kind !== "group" || place === this.told || !this.source.model?.send) return;
    this.told = place;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.tell({ step, group, signal }), REST);
  }

  /** @param {{ step: number, group: number, signal: string }} place */
  async tell(place) {
    try {
      await this.source.ask({ kind: "seen", ...place });
    } catch {
      this.told = ""; // the kernel is gone, which the next thing that is asked for says; the picture stays as it was
    }
  }

  close() {
    clearTimeout(this.resting);
  }
}
