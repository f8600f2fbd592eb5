/** One request at a time; of requests made meanwhile only the newest is sent, so that none queue up. */

export class Newest {
  /** @param {(request: any) => Promise<any>} ask @param {(answer: any, request: any) => void} receive @param {(error: Error) => void} fail */
  constructor(ask, receive, fail) {
    this.ask = ask;
    this.receive = receive;
    this.fail = fail;
    /** @type {any} */
    this.next = null;
    this.busy = false;
  }

  /** @param {any} request */
  async request(request) {
    this.next = request;
    if (this.busy) return;
    this.busy = true;
    while (this.next) {
      const current = this.next;
      this.next = null;
      try {
        this.receive(await this.ask(current), current);
      } catch (error) {
        this.fail(/** @type {Error} */ (error));
      }
    }
    this.busy = false;
  }
}
