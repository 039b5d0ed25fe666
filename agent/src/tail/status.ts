import { generationText } from '@millrace/core/ids/generation.ts';
import type { Lane } from '../gather/lane.ts';
import type { TailedFile } from './file.ts';
import type { OpenFiles } from './open-files.ts';
import type { Sleeper } from './sleepers.ts';

/** What the status of a file says; sizes and offsets in bytes, times in milliseconds since 1970. */
export interface FileStatus {
  path: string;
  /** Id of its source. */
  source: string;
  tag: string;
  generation: string;
  size: number;
  /** Offset up to which its records are in blocks. */
  read: number;
  lag: number;
  lastReadMs: number | undefined;
  /** No path leads to it any more; it is closed when nothing comes. */
  gone?: true;
  /** Nothing is to be read in it until it is written to. */
  asleep?: true;
  /** The limit that it waits for. */
  limited?: string;
}

/** Is told what becomes of generations beside being read. */
export interface Witness {
  /** `size` is as far as the content was seen; for `vanished`, what follows `position` is destroyed. */
  news(kind: 'vanished' | 'closed' | 'deleted', seen: SeenGeneration): void;
}

/** One generation, and the outputs that its blocks go to. */
export interface SeenGeneration {
  generation: Buffer;
  path: string;
  tag: string;
  size: number;
  position: number;
  outputs: string[];
}

export function lagBytes({ files }: OpenFiles): number {
  let total = 0;
  for (const file of files.values()) total += file.lag;
  return total;
}

export function readableBytes({ files }: OpenFiles): number {
  let total = 0;
  for (const file of files.values())
    if (file.limited === undefined) total += Math.max(0, file.size - file.readTo);
  return total;
}

export function fileStatuses({ files, sleepers }: OpenFiles): FileStatus[] {
  const open = [...files.values()].map((file) => ({
    path: file.path,
    source: file.source.id,
    tag: file.tag,
    generation: generationText(file.generation),
    size: file.size,
    read: file.position,
    lag: file.lag,
    lastReadMs: file.lastReadMs,
    ...(file.goneSince === undefined ? {} : { gone: true as const }),
    ...(file.limited === undefined ? {} : { limited: file.limited }),
  }));
  const asleep = [...sleepers.values()].map(({ path, state, tag, size, row, lastReadMs }) => ({
    path,
    source: state.source.id,
    tag,
    generation: row ? generationText(row.id) : '',
    size,
    read: row?.position ?? 0,
    lag: size - (row?.position ?? size),
    lastReadMs,
    asleep: true as const,
  }));
  return [...open, ...asleep];
}

export function seenGenerations(
  { files, sleepers }: OpenFiles,
  laneOf: (sleeper: Sleeper) => Lane | undefined,
): SeenGeneration[] {
  const asleep = [...sleepers.values()].flatMap((sleeper) => {
    const { path, row, size, tag } = sleeper;
    const lane = row && laneOf(sleeper);
    if (!lane) return [];
    const outputs = lane.outputs.map(({ id }) => id);
    return [{ generation: row.id, path, tag, size, position: row.position, outputs }];
  });
  return [...[...files.values()].map(seenOf), ...asleep];
}

export function seenOf(file: TailedFile): SeenGeneration {
  const { generation, path, tag, position } = file;
  const outputs = file.lane.outputs.map(({ id }) => id);
  return { generation, path, tag, size: Math.max(file.size, position), position, outputs };
}
