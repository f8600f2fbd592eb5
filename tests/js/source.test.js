import assert from "node:assert/strict";
import { test } from "node:test";

import { KernelSource } from "../../widgets/source.js";

/** A model as anywidget gives it, with a kernel that answers when told to. */
class Model {
  constructor() { this.values = {}; this.sent = []; }

  on(event, hear) { this.hear = hear; }

  off() { this.hear = null; }

  get(name) { return this.values[name]; }

  set(name, value) { this.values[name] = value; }

  save_changes() { this.sent.push(this.values.request); }

  answer(id, content) {
    const text = JSON.stringify({ ...content, columns: {} }).replace(/$/, "   ");
    const size = text.length - (text.length % 4);
    const bytes = Buffer.alloc(8 + size);
    bytes.writeUInt32LE(id, 0);
    bytes.writeUInt32LE(size, 4);
    bytes.write(text.slice(0, size), 8);
    this.values.answer = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.hear();
  }
}

test("requests leave one after the other, so that none is overwritten", async () => {
  const model = new Model();
  const source = new KernelSource(model);
  const [one, two] = [source.board(1), source.board(2)];
  await Promise.resolve();
  assert.equal(model.sent.length, 1);
  model.answer(model.sent[0].id, { kind: "board", step: 1 });
  assert.equal((await one).step, 1);
  assert.equal(model.sent.length, 2);
  model.answer(model.sent[1].id, { kind: "board", step: 2 });
  assert.equal((await two).step, 2);
  source.close();
});

test("an answer to another view is left alone; an error becomes one", async () => {
  const model = new Model();
  const source = new KernelSource(model);
  const asked = source.order("stop");
  model.answer(5, { kind: "order" });
  model.answer(model.sent[0].id, { error: "the run is dead" });
  await assert.rejects(asked, /the run is dead/);
  source.close();
});

test("what is kept is not asked for again, and news is kept", async () => {
  const model = new Model();
  const source = new KernelSource(model);
  const heard = [];
  source.listeners.add((payload) => heard.push(payload.kind));
  model.answer(0, { kind: "board", step: 7 });
  assert.equal((await source.board(7)).step, 7);
  assert.equal(model.sent.length, 0);
  assert.deepEqual(heard, ["board"]);
  source.close();
});

test("where there are messages, requests are messages", async () => {
  const model = new Model();
  const messages = [];
  model.send = (content) => messages.push(content);
  const source = new KernelSource(model);
  const asked = source.follow(false);
  assert.equal(model.sent.length, 0);
  assert.equal(messages[0].kind, "follow");
  model.answer(messages[0].id, { kind: "follow" });
  await asked;
  source.close();
});
