import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Telemetry } from '@millrace/core/telemetry/events.ts';
import type { Events } from '../events.ts';
import { type Job, type ReplayBody, replayFlags } from './job.ts';
import type { StartReplay } from './process.ts';

export interface ReplayJobsOptions {
  stateDir: string;
  /** Jobs that wait at a time. */
  queueMax: number;
  /** Jobs that have ended and are still known. */
  keptMax: number;
  start: StartReplay;
  clock: Clock;
  emit: Telemetry<Events>['emit'];
}

/**
 * Replays, one at a time, each in a process of its own. What they are is in a file each, so that one that was running
 * when the search API went away goes on when it is back.
 */
export class ReplayJobs {
  readonly #options: ReplayJobsOptions;
  /** Oldest first. */
  readonly #jobs = new Map<string, Job>();
  #running: { job: Job; stop(): void; ended: Promise<void> } | undefined;
  #closed = false;

  /** @throws MillraceError STATE_UNWRITABLE */
  constructor(options: ReplayJobsOptions) {
    this.#options = options;
    try {
      mkdirSync(options.stateDir, { recursive: true });
      for (const job of readJobs(options.stateDir)) this.#jobs.set(job.id, job);
    } catch (cause) {
      throw new MillraceError('STATE_UNWRITABLE', `${options.stateDir}: ${messageOf(cause)}`, { cause });
    }
    for (const job of this.#jobs.values()) if (job.state === 'running') job.state = 'queued';
    this.#next();
  }

  /** Undefined when too many wait already. @throws MillraceError STATE_UNWRITABLE */
  add(request: ReplayBody): Job | undefined {
    const waiting = [...this.#jobs.values()].filter(({ state }) => state === 'queued').length;
    if (waiting >= this.#options.queueMax) return undefined;
    const { clock } = this.#options;
    const id = Buffer.from(clock.bytes(9)).toString('base64url');
    const job: Job = { id, state: 'queued', request, created: this.#now() };
    this.#save(job);
    this.#jobs.set(id, job);
    this.#next();
    return job;
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** Newest first. */
  list(): Job[] {
    return [...this.#jobs.values()].reverse();
  }

  /** Ends a job that has not ended; what it wrote stays. Undefined when there is none of this id. */
  cancel(id: string): Job | undefined {
    const job = this.#jobs.get(id);
    if (job === undefined) return undefined;
    if (job.state === 'queued' || job.state === 'running') {
      if (this.#running?.job === job) this.#running.stop();
      this.#end(job, 'cancelled');
    }
    return job;
  }

  /** Stops the running one, which goes on after the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#running?.stop();
    await this.#running?.ended;
  }

  #next(): void {
    if (this.#closed || this.#running !== undefined) return;
    const job = [...this.#jobs.values()].find(({ state }) => state === 'queued');
    if (job === undefined) return;
    job.state = 'running';
    job.started ??= this.#now();
    this.#note(job);
    this.#options.emit('replay_started', { job: job.id });
    const flags = replayFlags(job.request, this.#file(job.id, 'jsonl'));
    const process = this.#options.start(flags, (progress) => {
      job.progress = progress;
    });
    const ended = process.result.then(({ error, result }) => {
      this.#running = undefined;
      // A job that was cancelled has ended already; one that ended with us is still to be done.
      if (job.state === 'running' && !this.#closed) {
        if (result !== undefined) job.result = result;
        if (error !== undefined) job.error = error;
        this.#end(job, error === undefined ? 'done' : 'failed');
      }
      this.#next();
    });
    this.#running = { job, stop: process.stop, ended };
  }

  #end(job: Job, state: 'done' | 'failed' | 'cancelled'): void {
    job.state = state;
    job.ended = this.#now();
    this.#note(job);
    const { emit, keptMax } = this.#options;
    emit(state === 'failed' ? 'replay_failed' : 'replay_ended', { job: job.id, state, reason: job.error });
    const over = [...this.#jobs.values()].filter(({ ended }) => ended !== undefined).slice(0, -keptMax);
    for (const { id } of over) {
      this.#jobs.delete(id);
      for (const kind of ['json', 'jsonl'] as const) rmSync(this.#file(id, kind), { force: true });
    }
  }

  /** What cannot be written is told, and the jobs go on: after a restart this one does again. */
  #note(job: Job): void {
    try {
      this.#save(job);
    } catch (error) {
      this.#options.emit('replay_unsaved', { job: job.id, reason: messageOf(error) });
    }
  }

  #save(job: Job): void {
    const file = this.#file(job.id, 'json');
    try {
      // To the disk before it is renamed: a file that a power cut left empty would keep the server from starting.
      writeFileSync(`${file}.new`, JSON.stringify(job), { flush: true });
      renameSync(`${file}.new`, file);
    } catch (cause) {
      throw new MillraceError('STATE_UNWRITABLE', `${file}: ${messageOf(cause)}`, { cause });
    }
  }

  #file(id: string, kind: 'json' | 'jsonl'): string {
    return join(this.#options.stateDir, `${id}.${kind}`);
  }

  #now(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

function readJobs(folder: string): Job[] {
  const names = readdirSync(folder).filter((name) => /^[A-Za-z0-9_-]{12}\.json$/.test(name));
  const jobs = names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Job);
  return jobs.sort((a, b) => (a.created < b.created ? -1 : 1));
}
