/** Reports to the kernel what is shown, so that a saved notebook shows the same. */

const REST = 400; // milliseconds for which a group must have been shown

export class LastSeen {
  /** @param {any} source */
  constructor(source) {
    this.source = source;
    this.sent = "";
  }

  /** Only a notebook is saved, and only there are messages sent. @param {import("../wire/payload.js").Group} group @param {string} signal */
  note({ kind, step, group }, signal) {
    const place = `${step} ${group} ${signal}`;
    if (kind !== "group" || place === this.sent || !this.source.model?.send) return;
    this.sent = place;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.send({ step, group, signal }), REST);
  }

  /** @param {{ step: number, group: number, signal: string }} place */
  async send(place) {
    try {
      await this.source.ask({ kind: "seen", ...place });
    } catch {
      this.sent = ""; // the kernel is gone, which the next request reports; the snapshot stays as it was
    }
  }

  close() {
    clearTimeout(this.resting);
  }
}
