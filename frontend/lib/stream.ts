/**
 * Follows a run from any point to its end and hands over every event once, in order, without a gap.
 *
 * The socket is asked from the last number that was taken (`?after=`). What comes twice is dropped; where a number is
 * missing the follower asks again from the last one that follows. A lost connection is tried again after 0.2 to 5 s,
 * at random within a growing bound, so that a class of forty does not come back in the same instant. Where websockets
 * are blocked it polls the API, which gives the same events. In a hidden tab it lets go of the socket; on return it
 * catches up and says by how many events.
 */
import { TERMINAL, type RunEvent } from "./run";

export type Connection =
  "connecting" | "live" | "polling" | "lost" | "offline" | "resting" | "complete" | "signed_out" | "absent";

export interface Listener {
  events(batch: RunEvent[]): void;
  connection(state: Connection): void;
  caughtUp(count: number): void;
}

export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
  close(): void;
}

/** What the follower needs of a browser; tests hand in their own. */
export interface Surroundings {
  open(path: string): Socket;
  get(path: string, signal: AbortSignal): Promise<{ status: number; body: unknown }>;
  hidden(): boolean;
  online(): boolean;
  /** Calls back when the tab is shown or hidden and when the network comes or goes; returns what ends that. */
  watch(changed: (what: "visibility" | "online" | "offline") => void): () => void;
  later(seconds: number, action: () => void): () => void;
  random(): number;
}

const SHORTEST_WAIT = 0.2;
const LONGEST_WAIT = 5;
/** The server beats every 20 s: twice that in silence, and the line is dead though nobody closed it. */
const SILENCE = 45;
const REST_AFTER = 3;
const SOCKET_TRIES_BEFORE_POLLING = 3;
const SOCKET_AGAIN_AFTER_POLLING = 60;
const LONG_POLL = 20;
const PAGE = 500;

export class Follower {
  private cursor: number;
  private socket: Socket | null = null;
  private poll: AbortController | null = null;
  private state: Connection | null = null;
  private failures = 0;
  private neverOpened = 0;
  private interruptedAt: number | null = null;
  private target: number | null = null;
  private stopWaiting = () => {};
  private stopSilence = () => {};
  private stopResting = () => {};
  private readonly stopWatching: () => void;
  private over = false;

  constructor(
    private readonly job: string,
    private readonly listener: Listener,
    private readonly around: Surroundings,
    after = 0,
  ) {
    this.cursor = after;
    this.stopWatching = around.watch((what) => this.changed(what));
    if (around.hidden()) this.rest();
    else this.connect();
  }

  close(): void {
    this.over = true;
    this.stopWatching();
    this.stopResting();
    this.letGo();
  }

  private tell(state: Connection): void {
    if (state === this.state) return;
    this.state = state;
    this.listener.connection(state);
  }

  private changed(what: "visibility" | "online" | "offline"): void {
    if (this.over) return;
    this.stopResting();
    if (this.around.hidden()) {
      this.stopResting = this.around.later(REST_AFTER, () => this.rest());
    } else if (what !== "visibility" || this.state === "resting") {
      // Offline says nothing about a server on this machine, so the line is tried at once in either case.
      this.interrupted();
      this.failures = 0;
      this.neverOpened = 0;
      this.connect();
    }
  }

  private rest(): void {
    this.interrupted();
    this.letGo();
    this.tell("resting");
  }

  private interrupted(): void {
    if (this.state !== null && this.interruptedAt === null) this.interruptedAt = this.cursor;
  }

  private letGo(): void {
    this.stopWaiting();
    this.stopSilence();
    this.poll?.abort();
    this.poll = null;
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  private connect(): void {
    this.letGo();
    if (this.state === null) this.tell("connecting");
    if (this.neverOpened >= SOCKET_TRIES_BEFORE_POLLING) {
      void this.polling();
      return;
    }
    const socket = this.around.open(`/ws/jobs/${this.job}?after=${this.cursor}`);
    this.socket = socket;
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.neverOpened = 0;
      this.tell("live");
      this.listen();
      void this.measureGap(socket);
    };
    socket.onmessage = ({ data }) => {
      this.failures = 0;
      this.listen();
      this.take(parse(data));
    };
    socket.onclose = ({ code }) => {
      this.socket = null;
      if (!opened && this.around.online()) this.neverOpened += 1;
      this.closed(code);
    };
  }

  /** Waits for the next sign of life. */
  private listen(): void {
    this.stopSilence();
    this.stopSilence = this.around.later(SILENCE, () => {
      this.letGo();
      this.again();
    });
  }

  private closed(code: number): void {
    if (code === 4401 || code === 4403) this.end("signed_out");
    else if (code === 4404) this.end("absent");
    else this.again();
  }

  private end(state: Connection): void {
    this.over = true;
    this.stopWatching();
    this.stopResting();
    this.letGo();
    this.tell(state);
  }

  private again(): void {
    this.stopSilence();
    this.interrupted();
    this.tell(this.around.online() ? "lost" : "offline");
    this.failures += 1;
    const bound = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** this.failures);
    const wait = SHORTEST_WAIT + this.around.random() * (bound - SHORTEST_WAIT);
    this.stopWaiting();
    this.stopWaiting = this.around.later(wait, () => this.connect());
  }

  private take(events: RunEvent[]): void {
    const fresh: RunEvent[] = [];
    for (const event of events) {
      if (event.seq <= this.cursor) continue;
      if (event.seq !== this.cursor + 1) {
        this.hand(fresh);
        // A hole is asked for again at once; a server that keeps it is given time.
        if (fresh.length > 0) this.connect();
        else this.again();
        return;
      }
      this.cursor = event.seq;
      fresh.push(event);
    }
    this.hand(fresh);
  }

  private hand(events: RunEvent[]): void {
    if (events.length > 0) this.listener.events(events);
    this.sayCaughtUp();
    const last = events.at(-1);
    if (last?.type === "status" && TERMINAL.has(String(last.data.status))) this.end("complete");
  }

  /** Asks how far the run has come, to know when what was missed is there. */
  private async measureGap(line: Socket | AbortController): Promise<void> {
    if (this.interruptedAt === null) return;
    const { status, body } = await this.fetch(`/api/v1/jobs/${this.job}`);
    const stale = line !== this.socket && line !== this.poll && this.state !== "complete";
    if (status !== 200 || stale) return;
    this.target = Number((body as { last_seq?: unknown }).last_seq);
    this.sayCaughtUp();
  }

  private sayCaughtUp(): void {
    if (this.interruptedAt === null || this.target === null || this.cursor < this.target) return;
    const missed = this.target - this.interruptedAt;
    this.interruptedAt = this.target = null;
    if (missed > 0) this.listener.caughtUp(missed);
  }

  private async polling(): Promise<void> {
    const poll = new AbortController();
    this.poll = poll;
    this.stopWaiting = this.around.later(SOCKET_AGAIN_AFTER_POLLING, () => {
      this.neverOpened = 0;
      this.connect();
    });
    void this.measureGap(poll);
    let wait = 0;
    while (this.poll === poll) {
      const path = `/api/v1/jobs/${this.job}/events?after=${this.cursor}&limit=${PAGE}&wait=${wait}`;
      const { status, body } = await this.fetch(path, poll.signal);
      if (this.poll !== poll) return;
      if (status === 401 || status === 403) return this.end("signed_out");
      if (status === 404) return this.end("absent");
      if (status !== 200) return this.again();
      this.failures = 0;
      this.tell("polling");
      wait = LONG_POLL;
      this.take(parse(body));
    }
  }

  private async fetch(path: string, signal = new AbortController().signal): Promise<{ status: number; body: unknown }> {
    try {
      return await this.around.get(path, signal);
    } catch {
      return { status: 0, body: null };
    }
  }
}

function parse(frame: unknown): RunEvent[] {
  const body: unknown = typeof frame === "string" ? JSON.parse(frame) : frame;
  const events = (body as { events?: unknown } | null)?.events;
  return Array.isArray(events) ? (events as RunEvent[]) : [];
}
