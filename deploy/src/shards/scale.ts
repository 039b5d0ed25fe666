import { countLimits, nextCallMs } from './count-steps.ts';
import { watchLeases } from './following.ts';
import { behindOf, look, shardsAllowed, type View, type World } from './look.ts';
import { refusals } from './refusals.ts';
import { nextStep, planSteps, type Step, type StepRules, stepText } from './steps.ts';

export interface ScaleOptions {
  /** Open shards that are wanted. */
  count: number;
  /** False: look, and say what would be done. */
  apply: boolean;
  /** False: by splits and merges, also where UpdateShardCount exists. */
  byCount: boolean;
  behindMax: number;
  noConsumer: boolean;
  /** The KCL's: a lease that was not renewed for so long is taken by others. */
  failoverMs: number;
  /** Ends the work when nothing moved for so long. */
  patienceMs: number;
  /** What is being done, for people. */
  tell: (line: string) => void;
}

/**
 * `done`: as many even shards as wanted, and the consumer reads them · `planned`: what would be done · `refused`: it would
 * lose data, or Kinesis does not take it · `unfinished`: the same command goes on later.
 */
export interface ScaleResult {
  kind: 'done' | 'planned' | 'refused' | 'unfinished';
  /** Steps that were done, or that would be. */
  steps: string[];
  /** Reasons of the last two kinds. */
  why: string[];
  open: number;
}

const pollMs = 2_000;
/** The KCL takes leases that nobody holds every two failover times. */
const takenWithin = 4;
/** Each step brings the bounds nearer; more are only needed when somebody else reshards too. */
const stepsMax = 1_000;

/**
 * Brings a stream to `count` even shards. Nothing is kept between runs: each step follows from what the stream and the
 * leases say, so an interrupted run is continued by the next.
 * @throws MillraceError STREAM_UNAVAILABLE
 */
export function scale(world: World, options: ScaleOptions): Promise<ScaleResult> {
  return new Scaling(world, options).run();
}

class Scaling {
  readonly #world: World;
  readonly #options: ScaleOptions;
  readonly #steps: string[] = [];
  #byCount: boolean;
  /** What the last call of UpdateShardCount asked for. */
  #asked: number | undefined;
  /** Since when Kinesis answers that somebody changes the stream, monotonic. */
  #busySinceMs: number | undefined;

  constructor(world: World, options: ScaleOptions) {
    this.#world = world;
    this.#options = options;
    this.#byCount = options.byCount;
  }

  async run(): Promise<ScaleResult> {
    const { apply } = this.#options;
    let view = await this.#begin();
    let looked = false;
    while (this.#steps.length < stepsMax) {
      if (apply && view.state.status !== 'ACTIVE' && view.state.status !== 'DELETING') {
        const active = await this.#until(
          view,
          'the stream is ACTIVE',
          ({ state }) => state.status === 'ACTIVE',
        );
        if (active === undefined) return this.#unfinished(view, [`the stream is still ${view.state.status}`]);
        view = active;
      }
      if (!looked) {
        const why = await this.#refusals(view);
        if (why.length > 0) return this.#result('refused', view, why);
        looked = true;
      }
      if (!apply) return this.#plan(view);
      this.#checkCall(view);
      const step = nextStep(view.open, this.#rules(view));
      if (step === undefined) return this.#followed(view);
      if (step === 'wait') {
        const ready = await this.#until(view, 'the consumer follows', (now) => this.#canGoOn(now));
        if (ready === undefined) return this.#unfinished(view, this.#notFollowed(view));
        view = ready;
        looked = false;
        continue;
      }
      if (step.kind === 'later') return this.#unfinished(view, [laterText(step.atMs)]);
      const refused = await this.#take(step, view);
      if (refused !== undefined) return this.#unfinished(view, [refused]);
      view = await look(this.#world, view);
    }
    return this.#unfinished(view, ['too many steps: does somebody else change the shards too?']);
  }

  /** After a change that somebody made a moment ago it may be that no lease is held: the KCL looks for such by turns. */
  async #begin(): Promise<View> {
    const view = await look(this.#world);
    const { noConsumer, failoverMs } = this.#options;
    if (noConsumer || view.state.onDemand || (view.leases ?? []).length === 0) return view;
    const somebody = ({ follow }: View) => [...follow.values()].includes('read');
    return (await this.#until(view, 'somebody reads', somebody, takenWithin * failoverMs)) ?? view;
  }

  #rules(view: View): StepRules {
    const { count, noConsumer } = this.#options;
    return {
      count,
      most: shardsAllowed(view),
      byCount: this.#byCount,
      may: (shard) => noConsumer || view.follow.get(shard) === 'read',
      calls: view.history.countCalls,
      nowMs: this.#world.clock.now(),
    };
  }

  #canGoOn(view: View): boolean {
    return view.state.status === 'ACTIVE' && nextStep(view.open, this.#rules(view)) !== 'wait';
  }

  async #refusals(view: View): Promise<string[]> {
    const { noConsumer, failoverMs } = this.#options;
    const reading =
      noConsumer || view.state.onDemand
        ? { behind: new Map<string, number>(), unread: [] }
        : {
            behind: await behindOf(this.#world, view),
            unread: (await watchLeases(this.#world.leases, failoverMs, this.#world.clock)).unread,
          };
    return refusals(view, reading, this.#options);
  }

  #plan(view: View): ScaleResult {
    // Where limits are unknown there is no AWS, and as a rule no UpdateShardCount.
    const rules = { ...this.#rules(view), byCount: this.#byCount && view.account !== undefined };
    const steps = planSteps(view.open, rules);
    const nowMs = this.#world.clock.now();
    const atMs = nextCallMs(view.history.countCalls, nowMs);
    const why =
      view.state.status === 'ACTIVE' ? [] : [`the stream is ${view.state.status}: this is waited for`];
    if (steps[0]?.kind === 'count' && atMs > nowMs) why.push(laterText(atMs));
    const kind = steps.length === 0 ? 'done' : 'planned';
    return { kind, steps: steps.map((step) => stepText(step, view.open)), why, open: view.open.length };
  }

  /** A call that did not do what it was asked for would be made again and again, ten times a day. */
  #checkCall({ open }: View): void {
    if (this.#asked !== undefined && this.#asked !== open.length) {
      this.#byCount = false;
      this.#options.tell(
        `UpdateShardCount left ${open.length} shards, not ${this.#asked}: by splits and merges`,
      );
    }
    this.#asked = undefined;
  }

  /** Undefined when it was started, or has to be looked at anew; else why Kinesis takes no more for now. */
  async #take(step: Step, view: View): Promise<string | undefined> {
    const { stream, clock } = this.#world;
    const text = stepText(step, view.open);
    const nowMs = clock.now();
    const history = { latestMs: nowMs, countCalls: view.history.countCalls };
    // Before the call: whoever may not say when he did it must not do it, or `auto` would do it again and again.
    await stream.remember(history);
    const answer =
      step.kind === 'count'
        ? await stream.updateCount(step.to)
        : step.kind === 'split'
          ? await stream.split(step.shard, step.at)
          : await stream.merge(step.lower, step.upper);
    if (answer.kind === 'started') {
      if (step.kind === 'count') {
        this.#asked = step.to;
        history.countCalls = [...history.countCalls, nowMs].slice(-countLimits.callsPerDay);
        await stream.remember(history);
      }
      // Small steps pass through counts that are not wanted: a call in between would undo what they do.
      else this.#byCount = false;
      view.history = history;
      this.#busySinceMs = undefined;
      this.#steps.push(text);
      this.#options.tell(text);
    } else if (answer.kind === 'unsupported' && step.kind === 'count') {
      this.#byCount = false;
      this.#options.tell('there is no UpdateShardCount here: by splits and merges');
    } else if (answer.kind === 'busy') {
      this.#busySinceMs ??= clock.monotonic();
      this.#options.tell(`the stream is being changed, by somebody else: ${answer.message}`);
      if (clock.monotonic() - this.#busySinceMs > this.#options.patienceMs)
        return `${text}: ${answer.message}`;
      await clock.sleep(pollMs);
    } else return `${text}: ${answer.message}`;
    return undefined;
  }

  /** The end: every open shard is read by somebody. */
  async #followed(view: View): Promise<ScaleResult> {
    if (this.#options.noConsumer) return this.#result('done', view);
    const all = (now: View) => now.open.every(({ id }) => now.follow.get(id) === 'read');
    const end = all(view) ? view : await this.#until(view, 'the consumer follows', all);
    return end === undefined ? this.#unfinished(view, this.#notFollowed(view)) : this.#result('done', end);
  }

  /** Looks until it is so; undefined when nothing changed for too long. */
  async #until(
    view: View,
    what: string,
    so: (view: View) => boolean,
    patienceMs = this.#options.patienceMs,
  ): Promise<View | undefined> {
    const { clock } = this.#world;
    const { noConsumer, tell } = this.#options;
    let last = '';
    let sinceMs = clock.monotonic();
    for (let now = view; ; ) {
      if (so(now)) return now;
      const read = now.open.filter(({ id }) => now.follow.get(id) === 'read').length;
      const followed = noConsumer ? '' : `, ${read} of ${now.open.length} shards are read`;
      const text = `waiting until ${what}: ${now.state.status}${followed}`;
      const seen = `${text} ${JSON.stringify([...now.follow])}`;
      if (seen !== last) {
        tell(text);
        last = seen;
        sinceMs = clock.monotonic();
      } else if (clock.monotonic() - sinceMs > patienceMs) return undefined;
      await clock.sleep(pollMs);
      now = await look(this.#world, now);
    }
  }

  #notFollowed(view: View): string[] {
    const waiting = view.open.filter(({ id }) => view.follow.get(id) !== 'read').map(({ id }) => id);
    return [
      `the consumer does not read ${waiting.join(', ') || 'all shards'} yet; ./millrace shards status tells more, ` +
        'the same command goes on later',
    ];
  }

  #unfinished(view: View, why: string[]): ScaleResult {
    return this.#result('unfinished', view, why);
  }

  #result(kind: ScaleResult['kind'], view: View, why: string[] = []): ScaleResult {
    return { kind, steps: this.#steps, why, open: view.open.length };
  }
}

function laterText(atMs: number): string {
  const when = new Date(atMs).toISOString().slice(0, 16);
  return (
    `Kinesis takes ten UpdateShardCount calls in 24 hours; the next one at ${when} UTC. The same command goes on then, ` +
    'or now with --by split'
  );
}
