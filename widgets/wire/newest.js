/** One request at a time; of those that are wanted meanwhile only the newest leaves, so that nothing ever queues. */

export class Newest {
  /** @param {(request: any) => Promise<any>} ask @param {(answer: any, request: any) => void} take @param {(error: Error) => void} fail */
  constructor(ask, take, fail) {
    this.ask = ask;
    this.take = take;
    this.fail = fail;
    /** @type {any} */
    this.next = null;
    this.busy = false;
  }

  /** @param {any} request */
  async want(request) {
    this.next = request;
    if (this.busy) return;
    this.busy = true;
    while (this.next) {
      const current = this.next;
      this.next = null;
      try {
        this.take(await this.ask(current), current);
      } catch (error) {
        this.fail(/** @type {Error} */ (error));
      }
    }
    this.busy = false;
  }
}
