/** Asks the kernel by message, or by the trait `request`; `answer` is bytes that begin with the request's number. */

import { unpack } from "./payload.js";

const PATIENCE = 30_000; // milliseconds until a request counts as unanswered
const KEPT = 24; // payloads kept, the newest

/** One queue for all views of a model: the next request leaves when the one before is answered, so none is overwritten. */
export class KernelSource {
  constructor(model) {
    this.model = model;
    this.queue = [];
    this.kept = new Map();
    this.listeners = new Set();
    this.number = Math.floor(Math.random() * 2 ** 30);
    this.hear = () => this.heard(model.get("answer"));
    model.on("change:answer", this.hear);
  }

  async index() {
    return (await this.metrics()).index;
  }

  metrics() { return this.ask({ kind: "metrics" }); }

  board(step) { return this.keeping(`board ${step}`, { kind: "board", step }); }

  group(step, group) { return this.keeping(`group ${step} ${group}`, { kind: "group", step, group }); }

  follow(on) { return this.ask({ kind: "follow", on }); }

  order(order) { return this.ask({ kind: "order", order }); }

  async keeping(key, request) {
    if (!this.kept.has(key)) this.keep(key, await this.ask(request));
    return this.kept.get(key);
  }

  keep(key, payload) {
    this.kept.delete(key);
    this.kept.set(key, payload);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
  }

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
    first.timer = setTimeout(() => this.finish(first, null, new Error("the kernel does not answer; it may be busy, or was restarted")), PATIENCE);
  }

  /**
   * As a message, where there are messages (Panel has none): a trait waits until the kernel is done with the change
   * before, and that is never told when the change arrived while a cell was awaiting something.
   */
  deliver(request) {
    if (this.model.send) this.model.send(request);
    else {
      this.model.set("request", request);
      this.model.save_changes();
    }
  }

  finish(entry, payload, error) {
    clearTimeout(entry.timer);
    this.queue = this.queue.filter((each) => each !== entry);
    if (error) entry.reject(error);
    else entry.resolve(payload);
    this.send();
  }

  heard(answer) {
    if (!answer?.byteLength) return;
    const bytes = new Uint8Array(answer.buffer ?? answer, answer.byteOffset ?? 0, answer.byteLength);
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const payload = unpack(bytes.subarray(4));
    const [first] = this.queue;
    if (id === 0) this.news(payload);
    else if (first?.request.id === id) this.finish(first, payload, payload.error ? new Error(payload.error) : null);
  }

  /** What the kernel sent unasked is kept and told on. */
  news(payload) {
    if (payload.kind === "board") this.keep(`board ${payload.step}`, payload);
    if (payload.kind === "group") this.keep(`group ${payload.step} ${payload.group}`, payload);
    for (const listener of this.listeners) listener(payload);
  }

  close() {
    this.model.off("change:answer", this.hear);
    for (const entry of this.queue) clearTimeout(entry.timer);
    this.queue = [];
  }
}
