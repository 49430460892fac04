import { describe, expect, it } from "vitest";
import { EMPTY, Gap, reduce, type RunEvent, type RunState } from "../lib/run";

let clock = 0;
function event(seq: number, type: string, data: Record<string, unknown> = {}): RunEvent {
  clock += 1;
  return { seq, type, at: new Date(clock * 1000).toISOString(), data };
}

function play(...events: RunEvent[]): RunState {
  return events.reduce(reduce, EMPTY);
}

const loss = (state: RunState) => Array.from(state.series.loss?.value.view() ?? []);
const steps = (state: RunState) => Array.from(state.series.loss?.step.view() ?? []);

describe("reduce", () => {
  it("builds series, samples, checkpoints and logs from events", () => {
    const state = play(
      event(1, "status", { status: "queued" }),
      event(2, "status", { status: "running", attempt: 1, steps: 30 }),
      event(3, "metrics", { step: [1, 2], loss: [7.5, 7.25], learning_rate: [0.1, 0.2] }),
      event(4, "metrics", { step: [3], loss: [7] }),
      event(5, "metrics", { step: 3, val_loss: 7.1 }),
      event(6, "sample", { step: 3, prompt: "A", text: " cat" }),
      event(7, "checkpoint", { step: 3 }),
      event(8, "log", { level: "info", message: "hello" }),
      event(9, "artifact", { kind: "model", id: "m1" }),
      event(10, "status", { status: "done" }),
    );
    expect(state.status).toBe("done");
    expect([state.step, state.steps, state.attempt]).toEqual([3, 30, 1]);
    expect(steps(state)).toEqual([1, 2, 3]);
    expect(loss(state)).toEqual([7.5, 7.25, 7]);
    expect(state.series.val_loss?.value.last).toBe(7.1);
    expect(state.samples).toMatchObject([{ step: 3, prompt: "A", text: " cat" }]);
    expect(state.checkpoints).toEqual([3]);
    expect(state.logs.map((line) => line.message)).toEqual(["hello"]);
    expect(state.model).toBe("m1");
    expect(state.story.map((item) => item.seq)).toEqual([1, 2, 6, 7, 8, 9, 10]);
  });

  it("takes an event once, however often it comes", () => {
    const first = event(1, "metrics", { step: [1], loss: [7] });
    const state = play(first);
    expect(reduce(state, first)).toBe(state);
    expect(loss(play(first, first, event(2, "metrics", { step: [2], loss: [6] }), first))).toEqual([7, 6]);
  });

  it("refuses a gap and names where to ask again", () => {
    const state = play(event(1, "status", { status: "queued" }));
    expect(() => reduce(state, event(3, "log"))).toThrow(Gap);
    try {
      reduce(state, event(7, "log"));
    } catch (gap) {
      expect(gap).toMatchObject({ after: 1, seq: 7 });
    }
  });

  it("lets the later attempt win where two recorded the same step, and keeps the steps rising", () => {
    const state = play(
      event(1, "metrics", { step: [1, 2, 3], loss: [9, 8, 7] }),
      event(2, "status", { status: "running", attempt: 2 }),
      event(3, "metrics", { step: [2, 3, 4], loss: [8.5, 7.5, 6.5] }),
    );
    expect(steps(state)).toEqual([1, 2, 3, 4]);
    expect(loss(state)).toEqual([9, 8.5, 7.5, 6.5]);
    expect(state.attempt).toBe(2);
  });

  it("leaves every earlier state as it was", () => {
    const one = play(event(1, "metrics", { step: [1], loss: [9] }));
    const left = reduce(one, event(2, "metrics", { step: [2], loss: [8] }));
    const right = reduce(one, event(2, "metrics", { step: [2], loss: [4] }));
    expect([loss(one), loss(left), loss(right)]).toEqual([[9], [9, 8], [9, 4]]);
  });

  it("skips values that are no numbers, at their step only", () => {
    const state = play(event(1, "metrics", { step: [1, 2, 3], loss: [9, null, 7] }));
    expect([steps(state), loss(state)]).toEqual([
      [1, 3],
      [9, 7],
    ]);
  });

  it("keeps the reason of a failure and forgets it when the run goes on", () => {
    const failed = play(event(1, "status", { status: "failed", failure: "nan_loss", error: "step 4" }));
    expect([failed.failure, failed.error]).toEqual(["nan_loss", "step 4"]);
    const again = reduce(failed, event(2, "status", { status: "queued" }));
    expect([again.failure, again.error]).toEqual([null, null]);
  });
});
