import { isMillraceError } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Store } from '@millrace/core/store/port.ts';

/** A point in time that pages are looked at within. */
export interface Point {
  /** What cursors carry: the store's own name of a point grows with the number of its indices. */
  token: string;
  /** The store's name for it. */
  name: string;
}

interface OpenPoint extends Point {
  indices: string;
  usedMs: number;
}

export interface PointsOptions {
  store: Pick<Store, 'openPoint' | 'closePoint'>;
  clock: Clock;
  /** Open at a time; the one that nobody used for longest is closed for the next. */
  max: number;
  /** A point that nobody used for so long is gone. */
  keepMs: number;
}

/** The points in time that this process holds open in the store. */
export class Points {
  readonly keepMs: number;
  private readonly options: PointsOptions;
  /** By token, the one that was used last at the end. */
  private readonly open = new Map<string, OpenPoint>();

  constructor(options: PointsOptions) {
    this.options = options;
    this.keepMs = options.keepMs;
  }

  /** The point of a cursor; undefined: it is gone, or of another process. */
  find(token: string, indices: readonly string[]): Point | undefined {
    this.dropExpired();
    const point = this.open.get(token);
    if (point === undefined || point.indices !== indices.join()) return undefined;
    this.used(point);
    return point;
  }

  /** Undefined: the store gives none now. Whether it answers at all, the search shows. */
  async make(indices: readonly string[], signal: AbortSignal): Promise<Point | undefined> {
    this.dropExpired();
    while (this.open.size >= this.options.max) {
      const [oldest] = this.open.values();
      if (oldest === undefined) return undefined;
      this.drop(oldest);
    }
    const { store, clock } = this.options;
    const token = Buffer.from(clock.bytes(12)).toString('base64url');
    const point = { token, name: '', indices: indices.join(), usedMs: clock.monotonic() };
    // Its place is taken before it is open: many who ask at a time stay within the bound.
    this.open.set(token, point);
    try {
      point.name = await store.openPoint([...indices], this.keepMs, signal);
    } catch (error) {
      this.open.delete(token);
      if (isMillraceError(error, 'STORE_UNAVAILABLE') || isMillraceError(error, 'STORE_REJECTED'))
        return undefined;
      throw error;
    }
    if (this.open.has(token)) return point;
    // Closed for another while it was being opened.
    void this.closeInStore(point.name);
    return undefined;
  }

  /** Engines may name a point anew with every answer. */
  renamed(token: string, name: string): void {
    const point = this.open.get(token);
    if (point !== undefined) point.name = name;
  }

  /** The store said that it is gone. */
  forget(token: string): void {
    this.open.delete(token);
  }

  get size(): number {
    return this.open.size;
  }

  async close(): Promise<void> {
    const names = [...this.open.values()].map(({ name }) => name);
    this.open.clear();
    await Promise.all(names.map((name) => this.closeInStore(name)));
  }

  private used(point: OpenPoint): void {
    point.usedMs = this.options.clock.monotonic();
    this.open.delete(point.token);
    this.open.set(point.token, point);
  }

  private drop(point: OpenPoint): void {
    this.open.delete(point.token);
    void this.closeInStore(point.name);
  }

  private dropExpired(): void {
    const sinceMs = this.options.clock.monotonic() - this.keepMs;
    for (const point of this.open.values()) {
      if (point.usedMs > sinceMs) break;
      this.open.delete(point.token);
    }
  }

  private async closeInStore(name: string): Promise<void> {
    if (name === '') return;
    // What cannot be closed is gone by itself after `keepMs`.
    await this.options.store.closePoint(name).catch(() => {});
  }
}
