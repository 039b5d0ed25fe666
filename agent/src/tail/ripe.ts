import type { TailedFile } from './file.ts';

/** An unfinished record is shipped as it is: its timer has ended, or its file is gone. */
export function isRipe(file: TailedFile, now: number): boolean {
  const { source, goneSince } = file;
  const quietMs = now - file.lastDataAt;
  if (goneSince !== undefined)
    return quietMs >= source.rotateWaitMs && now - goneSince >= source.rotateWaitMs;
  if (file.pending.length === 0) return false;
  const timer = file.flushAfterMs;
  return timer > 0 && quietMs >= timer;
}
