/** A run as a page holds it: its events followed live, its job read again whenever something about it changed. */
import { asProblem, type Problem } from "./api";
import { jobs, type Job } from "./jobs";
import { loadPlotly } from "./plot";
import { runsChanged } from "./rail";
import { ACTIVE, EMPTY, reduce, TERMINAL, type RunEvent, type RunState } from "./run";
import { Follower, type Connection } from "./stream";
import { browser } from "./surroundings";

/** A place in the line and a number of steps change without an event of their own. */
const WAITING_MS = 3000;

export class Following {
  state = $state.raw<RunState>(EMPTY);
  job = $state.raw<Job | null>(null);
  connection = $state<Connection>("connecting");
  caughtUp = $state<number | null>(null);
  problem = $state.raw<Problem | null>(null);

  /** Fulfilled once the job was asked for, found or not. */
  readonly loaded: Promise<void>;
  private readonly follower: Follower;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(readonly id: string) {
    // The socket first: the first point is on its way while everything else loads.
    this.follower = new Follower(
      id,
      {
        events: (batch) => this.take(batch),
        connection: (state) => (this.connection = state),
        caughtUp: (count) => (this.caughtUp = count),
      },
      browser(),
    );
    void loadPlotly();
    this.loaded = this.refresh();
    this.timer = setInterval(() => {
      if (!document.hidden && (this.waiting || (!this.ended && this.steps === null))) void this.refresh();
    }, WAITING_MS);
  }

  /** What the run does, as far as events or the job say. */
  get status(): string {
    return this.state.status ?? this.job?.status ?? "queued";
  }

  /** How many steps there will be; null while a budget in minutes has not been timed. */
  get steps(): number | null {
    return this.state.steps ?? this.job?.steps ?? null;
  }

  get waiting(): boolean {
    return !ACTIVE.has(this.status) && !TERMINAL.has(this.status);
  }

  get ended(): boolean {
    return TERMINAL.has(this.status);
  }

  async refresh(): Promise<void> {
    try {
      this.job = await jobs.get(this.id);
      this.problem = null;
    } catch (error) {
      if (this.job === null) this.problem = asProblem(error);
    }
  }

  /** Asks for a stop, pause or resume; what the run then does comes as events. */
  async ask(what: "stop" | "pause" | "resume"): Promise<void> {
    this.job = await jobs.ask(this.id, what);
    runsChanged();
  }

  async rename(name: string): Promise<void> {
    this.job = await jobs.rename(this.id, name);
  }

  close(): void {
    clearInterval(this.timer);
    this.follower.close();
  }

  private take(batch: RunEvent[]): void {
    const before = this.state;
    this.state = batch.reduce(reduce, before);
    const changed = batch.some(({ type }) => type === "status" || type === "artifact");
    // The number of steps is settled before the first of them, and says so in no event.
    if (changed || before.step === 0) void this.refresh();
    if (changed) runsChanged();
  }
}
