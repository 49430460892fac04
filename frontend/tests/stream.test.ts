import { describe, expect, it } from "vitest";
import type { RunEvent } from "../lib/run";
import { Follower, type Connection, type Socket, type Surroundings } from "../lib/stream";

function event(seq: number, type = "log", data: Record<string, unknown> = {}): RunEvent {
  return { seq, type, at: "2026-01-01T00:00:00Z", data };
}

class Line implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;
  closed = false;
  constructor(readonly path: string) {}
  close(): void {
    this.closed = true;
  }
  send(...events: RunEvent[]): void {
    this.onmessage?.({ data: JSON.stringify({ events }) });
  }
  drop(code = 1006): void {
    this.onclose?.({ code });
  }
}

/** A browser with a clock that is wound by hand and a server that says what it is told to. */
class World implements Surroundings {
  lines: Line[] = [];
  asked: string[] = [];
  answers: { status: number; body: unknown }[] = [];
  lastSeq = 0;
  isHidden = false;
  isOnline = true;
  now = 0;
  private timers: { at: number; action: () => void }[] = [];
  private changed: (what: "visibility" | "online" | "offline") => void = () => {};

  open(path: string): Socket {
    const line = new Line(path);
    this.lines.push(line);
    return line;
  }
  async get(path: string): Promise<{ status: number; body: unknown }> {
    this.asked.push(path);
    if (!path.includes("/events")) return { status: 200, body: { last_seq: this.lastSeq } };
    const answer = this.answers.shift();
    return answer ?? new Promise(() => {});
  }
  hidden = () => this.isHidden;
  online = () => this.isOnline;
  random = () => 1;
  watch(changed: (what: "visibility" | "online" | "offline") => void): () => void {
    this.changed = changed;
    return () => (this.changed = () => {});
  }
  later(seconds: number, action: () => void): () => void {
    const timer = { at: this.now + seconds, action };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((other) => other !== timer));
  }
  get line(): Line {
    return this.lines.at(-1) as Line;
  }
  pass(seconds: number): void {
    const end = this.now + seconds;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.now = next.at;
      next.action();
    }
    this.now = end;
  }
  set(what: { hidden?: boolean; online?: boolean }): void {
    if (what.hidden !== undefined) this.isHidden = what.hidden;
    if (what.online !== undefined) this.isOnline = what.online;
    this.changed(what.online === undefined ? "visibility" : what.online ? "online" : "offline");
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

function start(world = new World(), after = 0) {
  const seen: number[] = [];
  const states: Connection[] = [];
  const notes: number[] = [];
  const follower = new Follower(
    "j1",
    {
      events: (batch) => seen.push(...batch.map((item) => item.seq)),
      connection: (state) => states.push(state),
      caughtUp: (count) => notes.push(count),
    },
    world,
    after,
  );
  return { world, follower, seen, states, notes };
}

describe("Follower", () => {
  it("hands over every event once, in order", () => {
    const { world, seen, states } = start();
    expect(world.line.path).toBe("/ws/jobs/j1?after=0");
    world.line.onopen?.();
    world.line.send(event(1), event(2));
    world.line.send(event(2), event(3));
    world.line.send();
    expect(seen).toEqual([1, 2, 3]);
    expect(states).toEqual(["connecting", "live"]);
  });

  it("asks again from the last event that follows when one is missing", () => {
    const { world, seen } = start();
    world.line.onopen?.();
    world.line.send(event(1), event(4));
    expect(world.lines[0]?.closed).toBe(true);
    expect(world.line.path).toBe("/ws/jobs/j1?after=1");
    world.line.onopen?.();
    world.line.send(event(2), event(3), event(4));
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it("gives a server that keeps a hole time between two questions", () => {
    const { world } = start();
    world.line.send(event(5));
    expect(world.lines).toHaveLength(1);
    world.pass(5);
    expect(world.lines).toHaveLength(2);
  });

  it("comes back after growing waits of at most 5 s and says what it caught up on", async () => {
    const { world, seen, states, notes } = start();
    world.line.onopen?.();
    world.line.send(event(1));
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const before = world.now;
      const lines = world.lines.length;
      world.line.onopen?.();
      world.line.drop();
      while (world.lines.length === lines) world.pass(0.05);
      waits.push(world.now - before);
    }
    expect(waits[0]).toBeLessThan(0.5);
    expect(Math.max(...waits)).toBeLessThan(5.1);
    world.lastSeq = 4;
    world.line.onopen?.();
    world.line.send(event(2));
    await settle();
    expect(notes).toEqual([]);
    world.line.send(event(3), event(4));
    expect(notes).toEqual([3]);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(states.at(-1)).toBe("live");
  });

  it("says nothing when nothing was missed", async () => {
    const { world, notes } = start();
    world.line.onopen?.();
    world.line.send(event(1));
    world.lastSeq = 1;
    world.line.drop();
    world.pass(5);
    world.line.onopen?.();
    await settle();
    world.line.send(event(2));
    expect(notes).toEqual([]);
  });

  it("lets go of the socket in a hidden tab and catches up on return", async () => {
    const { world, seen, states, notes } = start();
    world.line.onopen?.();
    world.line.send(event(1));
    world.set({ hidden: true });
    expect(world.line.closed).toBe(false);
    world.pass(3);
    expect(world.line.closed).toBe(true);
    expect(states.at(-1)).toBe("resting");
    world.pass(1000);
    expect(world.lines).toHaveLength(1);
    world.lastSeq = 3;
    world.set({ hidden: false });
    expect(world.line.path).toBe("/ws/jobs/j1?after=1");
    world.line.onopen?.();
    await settle();
    world.line.send(event(2), event(3));
    expect([seen, notes]).toEqual([[1, 2, 3], [2]]);
  });

  it("keeps the socket when the tab is hidden for a moment only", () => {
    const { world } = start();
    world.line.onopen?.();
    world.set({ hidden: true });
    world.pass(1);
    world.set({ hidden: false });
    world.pass(10);
    expect(world.lines).toHaveLength(1);
    expect(world.line.closed).toBe(false);
  });

  it("waits for a shown tab before it opens anything", () => {
    const world = new World();
    world.isHidden = true;
    const { states } = start(world);
    expect(world.lines).toHaveLength(0);
    expect(states).toEqual(["resting"]);
  });

  it("tries at once when the network comes back", () => {
    const { world, states } = start();
    world.line.onopen?.();
    world.set({ online: false });
    world.line.drop();
    expect(states.at(-1)).toBe("offline");
    const before = world.lines.length;
    world.set({ online: true });
    expect(world.lines).toHaveLength(before + 1);
    world.line.onopen?.();
    expect(states.at(-1)).toBe("live");
  });

  it("polls where websockets are blocked, and tries them again later", async () => {
    const { world, seen, states } = start();
    world.answers = [{ status: 200, body: { events: [event(1)], last_seq: 1 } }];
    for (let round = 0; round < 3; round += 1) {
      world.line.drop();
      world.pass(5);
    }
    await settle();
    expect(seen).toEqual([1]);
    expect(states.at(-1)).toBe("polling");
    expect(world.asked.at(-1)).toBe("/api/v1/jobs/j1/events?after=1&limit=500&wait=20");
    const before = world.lines.length;
    world.pass(60);
    expect(world.lines).toHaveLength(before + 1);
    world.line.onopen?.();
    world.line.send(event(2));
    expect(seen).toEqual([1, 2]);
  });

  it("takes a line that is silent for too long for dead", () => {
    const { world, states } = start();
    world.line.onopen?.();
    world.pass(30);
    world.line.send();
    world.pass(44);
    expect(world.lines).toHaveLength(1);
    world.pass(7);
    expect(world.lines).toHaveLength(2);
    expect(states.at(-1)).toBe("lost");
  });

  it.each([
    [4401, "signed_out"],
    [4404, "absent"],
  ])("ends for good on close code %i", (code, state) => {
    const { world, states } = start();
    world.line.drop(code);
    world.pass(100);
    expect(world.lines).toHaveLength(1);
    expect(states.at(-1)).toBe(state);
  });

  it("comes back when it was too slow", () => {
    const { world } = start();
    world.line.onopen?.();
    world.line.send(event(1));
    world.line.drop(4408);
    world.pass(5);
    expect(world.line.path).toBe("/ws/jobs/j1?after=1");
  });

  it("closes after the last event", () => {
    const { world, seen, states } = start();
    world.line.onopen?.();
    world.line.send(event(1), event(2, "status", { status: "done" }));
    expect(world.line.closed).toBe(true);
    expect([seen, states.at(-1)]).toEqual([[1, 2], "complete"]);
    world.set({ online: true });
    world.pass(100);
    expect(world.lines).toHaveLength(1);
  });

  it("stops when it is closed", () => {
    const { world, follower } = start();
    world.line.onopen?.();
    follower.close();
    world.set({ hidden: true });
    world.pass(100);
    expect(world.lines).toHaveLength(1);
    expect(world.line.closed).toBe(true);
  });
});
