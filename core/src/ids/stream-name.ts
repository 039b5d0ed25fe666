import { MillraceError } from '../errors.ts';

const pattern = /^[a-z0-9_]{1,100}$/;

/** A Millrace stream: names indices `millrace-<stream>-…`, so no name may hold what an index pattern splits at. */
export function isStreamName(name: string): boolean {
  return pattern.test(name);
}

/** @throws MillraceError CONFIG_INVALID */
export function assertStreamName(name: string, where: string): void {
  if (isStreamName(name)) return;
  throw new MillraceError('CONFIG_INVALID', `${where}: stream name ${JSON.stringify(name)}`, {
    hint: 'use 1 to 100 of the characters a-z, 0-9 and _',
  });
}
