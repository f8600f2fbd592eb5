import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { LastSeen } from "../../widgets/tokens/last_seen.js";

const group = (more = {}) => ({ kind: "group", step: 3, group: 1, ...more });

/** What a source was asked; it fails where it is told to. */
function source(fails = false) {
  const asked = [];
  return { asked, model: { send: () => {} }, ask: async (request) => { asked.push(request); if (fails) throw new Error("gone"); } };
}

test("only the place where the reader rests is told, and once", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const given = source();
  const seen = new LastSeen(given);
  for (const step of [3, 4, 5]) seen.note(group({ step }), "lens");
  mock.timers.tick(1000);
  seen.note(group({ step: 5 }), "lens");
  mock.timers.tick(1000);
  assert.deepEqual(given.asked, [{ kind: "seen", step: 5, group: 1, signal: "lens" }]);
  seen.note(group({ step: 6 }), "lens");
  seen.close();
  mock.timers.tick(1000);
  assert.equal(given.asked.length, 1);
  mock.timers.reset();
});

test("a probe, a branch and a page that nobody saves tell nothing", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const given = source();
  for (const kind of ["probe", "branch"]) new LastSeen(given).note(group({ kind }), "lens");
  new LastSeen({ ...given, model: {} }).note(group(), "lens"); // a served page has no messages
  new LastSeen({ ask: given.ask }).note(group(), "lens"); // a report has no kernel
  mock.timers.tick(1000);
  assert.deepEqual(given.asked, []);
  mock.timers.reset();
});

test("what a lost kernel was not told is told again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const given = source(true);
  const seen = new LastSeen(given);
  seen.note(group(), "lens");
  mock.timers.tick(1000);
  await Promise.resolve();
  await Promise.resolve();
  seen.note(group(), "lens");
  mock.timers.tick(1000);
  assert.equal(given.asked.length, 2);
  mock.timers.reset();
});
