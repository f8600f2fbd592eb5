import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { inflate, unpack } from "../../widgets/wire/payload.js";

/** A payload as `payload.py` writes it, made by hand. */
function payload(offset = 0) {
  const header = { step: 3, columns: { reward: { type: "f4", offset: 0, length: 2 }, trained: { type: "u1", offset: 8, length: 3 } } };
  let text = JSON.stringify(header);
  text += " ".repeat((4 - (text.length % 4)) % 4);
  const bytes = Buffer.alloc(offset + 4 + text.length + 12);
  bytes.writeUInt32LE(text.length, offset);
  bytes.write(text, offset + 4);
  bytes.writeFloatLE(1, offset + 4 + text.length);
  bytes.writeFloatLE(NaN, offset + 8 + text.length);
  bytes.set([1, 0, 1], offset + 12 + text.length);
  return bytes.subarray(offset);
}

test("header and columns come back; a missing number stays missing", () => {
  const { step, columns } = unpack(payload());
  assert.equal(step, 3);
  assert.equal(columns.reward[0], 1);
  assert.ok(Number.isNaN(columns.reward[1]));
  assert.deepEqual([...columns.trained], [1, 0, 1]);
});

test("a payload may begin anywhere in its buffer", () => {
  assert.equal(unpack(payload(3)).columns.reward[0], 1);
});

test("a payload is read out of gzip and base64", async () => {
  assert.equal((await inflate(gzipSync(payload()).toString("base64"))).step, 3);
});
