import assert from "node:assert/strict";
import { test } from "node:test";

import { KernelSource } from "../../widgets/wire/source.js";

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
  const asked = source.ask({ kind: "command", command: "stop" });
  model.answer(5, { kind: "command" });
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

test("of what comes unasked only the newest is kept, and what was asked for stays", async () => {
  const model = new Model();
  const source = new KernelSource(model);
  const asked = source.board(1);
  model.answer(model.sent[0].id, { kind: "board", step: 1 });
  await asked;
  for (let step = 2; step < 60; step += 1) model.answer(0, { kind: "board", step });
  assert.ok(source.kept.size <= 9);
  assert.equal((await source.board(1)).step, 1);
  assert.equal((await source.board(59)).step, 59);
  assert.equal(model.sent.length, 1);
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

test("a request that takes long lets others pass, and is answered when it is done", async () => {
  const model = new Model();
  const source = new KernelSource(model);
  const slow = source.ask({ kind: "branch", step: 1 });
  const quick = source.board(2);
  model.answer(model.sent[0].id, { accepted: true });
  assert.equal(model.sent.length, 2);
  model.answer(model.sent[1].id, { kind: "board", step: 2 });
  assert.equal((await quick).step, 2);
  model.answer(model.sent[0].id, { kind: "group", step: 1 });
  assert.equal((await slow).step, 1);
  source.close();
});

test("what is kept has a bound in bytes; the newest stays", () => {
  const source = new KernelSource(new Model());
  const payload = () => ({ columns: { tokens: new Int32Array(5_000_000) } });
  for (let step = 0; step < 9; step += 1) source.keep(`group ${step} 0`, payload());
  assert.deepEqual([...source.kept.keys()], ["group 7 0", "group 8 0"]);
  source.keep("group 9 0", { columns: { tokens: new Int32Array(30_000_000) } });
  assert.deepEqual([...source.kept.keys()], ["group 9 0"]);
  source.close();
});
