import { begunText, newestOf } from './history.ts';
import type { View, World } from './look.ts';
import type { Answer, Begun } from './ports.ts';
import { type Step, stepText } from './steps.ts';

export interface TakeOptions {
  count: number;
  byCount: boolean;
  patienceMs: number;
  /** The look that the count was decided upon: nothing is done once the stream is another. Undefined: `count` is an order. */
  decidedOn?: View;
  tell: (line: string) => void;
}

const busyPauseMs = 2_000;

/** Asks Kinesis for one change after the other, and notices when somebody else does so too. */
export class StepTaker {
  readonly #world: World;
  readonly #options: TakeOptions;
  readonly taken: string[] = [];
  /** False: by splits and merges. */
  byCount: boolean;
  /** What the last call of UpdateShardCount asked for. */
  #asked: number | undefined;
  /** Since when Kinesis answers that somebody changes the stream, monotonic. */
  #busySinceMs: number | undefined;
  /** Changes begun by ourselves, and the one that was there before: another is somebody else's. */
  readonly #known = new Set<string>();

  constructor(world: World, options: TakeOptions) {
    this.#world = world;
    this.#options = options;
    this.byCount = options.byCount;
  }

  /** What somebody began before, and may have left in the middle. */
  expect(begun: Begun | undefined): void {
    this.#known.add(begunText(begun));
  }

  /** Whether the shards are as many as the last call of UpdateShardCount asked for. */
  agrees({ open }: View): boolean {
    return this.#asked === undefined || this.#asked === open.length;
  }

  /** A call that did not do what it was asked for would be made again and again, ten times a day. */
  conclude(view: View): void {
    if (!this.agrees(view)) {
      this.byCount = false;
      this.#options.tell(
        `UpdateShardCount left ${view.open.length} shards, not ${this.#asked}: by splits and merges`,
      );
    }
    this.#asked = undefined;
  }

  /** Undefined when it was started, or has to be looked at anew; else why it goes no further for now. */
  async take(step: Step, view: View): Promise<string | undefined> {
    const other = await this.#somebodyElse(view);
    if (other !== undefined) return other;
    const { stream, clock } = this.#world;
    const text = stepText(step, view.open);
    const begun: Begun = {
      atMs: Math.floor(clock.now() / 1000) * 1000,
      count: this.#options.count,
      byCount: step.kind === 'count',
      newest: newestOf(view.shards),
    };
    // Before the call: whoever may not say when he did it must not do it, or `auto` would do it again and again. After
    // it the stream takes no tags. That it was noted does not mean that it was made: the shards tell that.
    const history = { ...view.history, begun };
    const noted = await stream.remember(history);
    if (noted.kind !== 'started') return this.#refused(noted, 'AddTagsToStream');
    this.expect(begun);
    // The next look goes on from here.
    view.history = history;
    const answer = await this.#ask(step);
    if (answer.kind === 'unsupported' && step.kind === 'count') {
      this.byCount = false;
      this.#options.tell('there is no UpdateShardCount here: by splits and merges');
      return undefined;
    }
    if (answer.kind !== 'started') return this.#refused(answer, text);
    if (step.kind === 'count') this.#asked = step.to;
    // Small steps pass through counts that are not wanted: a call in between would undo what they do.
    else this.byCount = false;
    this.#busySinceMs = undefined;
    this.taken.push(text);
    this.#options.tell(text);
    return undefined;
  }

  #ask(step: Step): Promise<Answer> {
    const { stream } = this.#world;
    if (step.kind === 'count') return stream.updateCount(step.to);
    return step.kind === 'split' ? stream.split(step.shard, step.at) : stream.merge(step.lower, step.upper);
  }

  async #refused(answer: Exclude<Answer, { kind: 'started' }>, what: string): Promise<string | undefined> {
    const { clock } = this.#world;
    const { tell, decidedOn, patienceMs } = this.#options;
    const why = `${what}: ${answer.message}`;
    if (answer.kind !== 'busy') return why;
    const others = `the stream is being changed, by somebody else: ${why}`;
    // What the stream will be afterwards is not what was decided upon.
    if (decidedOn !== undefined) return `${others}; auto decides anew the next time`;
    tell(others);
    this.#busySinceMs ??= clock.monotonic();
    if (clock.monotonic() - this.#busySinceMs > patienceMs) return why;
    await clock.sleep(busyPauseMs);
    return undefined;
  }

  /** Two that reshard one stream towards different counts would never end: who began last goes on. */
  async #somebodyElse(view: View): Promise<string | undefined> {
    const { begun } = await this.#world.stream.history();
    if (begun !== undefined && !this.#known.has(begunText(begun))) {
      const since = new Date(begun.atMs).toISOString().slice(0, 19);
      return `somebody else has begun to change the shards at ${since} UTC, towards ${begun.count}`;
    }
    const { decidedOn } = this.#options;
    if (decidedOn === undefined || this.taken.length > 0) return undefined;
    return newestOf(decidedOn.shards) === newestOf(view.shards)
      ? undefined
      : 'the shards are not those that were decided upon; auto decides anew the next time';
  }
}
