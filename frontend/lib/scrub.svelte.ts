/**
 * Which recorded step is looked at. At the end it stays at the end, so that it follows a run that goes on; anywhere
 * else it stays where it is. It can be played from there to the end.
 */
export class Scrub {
  /** The step that was chosen; null at the end. */
  chosen = $state<number | null>(null);
  playing = $state(false);

  private timer: ReturnType<typeof setInterval> | undefined;

  /** `steps` gives the recorded steps, rising. */
  constructor(private readonly steps: () => readonly number[], private readonly pace = 450) {}

  get index(): number {
    const steps = this.steps();
    const last = steps.length - 1;
    if (this.chosen === null) return last;
    let found = 0;
    steps.forEach((step, i) => {
      if (step <= (this.chosen ?? 0)) found = i;
    });
    return Math.min(found, last);
  }

  get step(): number | null {
    return this.steps()[this.index] ?? null;
  }

  get following(): boolean {
    return this.chosen === null;
  }

  /** Goes to a station; the last one is the end. A hand on the scrubber ends playing. */
  go(index: number): void {
    this.pause();
    this.place(index);
  }

  /** Goes to the recorded step that is nearest to a step. */
  goTo(step: number): void {
    const steps = this.steps();
    if (steps.length === 0) return;
    const distance = (at: number): number => Math.abs(Math.log(steps[at] ?? 1) - Math.log(Math.max(1, step)));
    this.go(steps.reduce((best, _, at) => (distance(at) < distance(best) ? at : best), 0));
  }

  /** What a key does; false where it does nothing here. */
  key(key: string): boolean {
    const { index } = this;
    const to = { ArrowRight: index + 1, ArrowUp: index + 1, ArrowLeft: index - 1, ArrowDown: index - 1, PageUp: index + 5, PageDown: index - 5, Home: 0, End: Infinity }[key];
    if (to === undefined) return false;
    this.go(to);
    return true;
  }

  play(): void {
    if (this.playing) return;
    if (this.index === this.steps().length - 1) this.place(0);
    this.playing = true;
    this.timer = setInterval(() => {
      this.place(this.index + 1);
      if (this.following) this.pause();
    }, this.pace);
  }

  pause(): void {
    clearInterval(this.timer);
    this.playing = false;
  }

  private place(index: number): void {
    const steps = this.steps();
    this.chosen = index >= steps.length - 1 ? null : (steps[Math.max(0, index)] ?? null);
  }
}
