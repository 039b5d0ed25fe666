import type { InstanceMetadata } from './metadata.ts';

/** What the metadata says of the instance's end. */
export interface Notices {
  /** Its Auto Scaling group lets it go. */
  scaleIn: boolean;
  /** EC2 takes a spot instance back, at this time (milliseconds since 1970). */
  spotEndMs: number | undefined;
}

/** `autoscaling/target-lifecycle-state` of an instance that is to end, in a warm pool or not. */
const ending = new Set(['Terminated', 'Warmed:Terminated']);

/** @throws Error when the metadata service does not answer */
export async function readNotices(metadata: Pick<InstanceMetadata, 'item'>): Promise<Notices> {
  const [target, spot] = await Promise.all([
    metadata.item('autoscaling/target-lifecycle-state'),
    metadata.item('spot/instance-action'),
  ]);
  return { scaleIn: target !== undefined && ending.has(target), spotEndMs: spotEnd(spot) };
}

/** An instance that hibernates keeps its agent, and its agent its memory: there is nothing to drain. */
function spotEnd(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const { action, time } = JSON.parse(text) as { action?: string; time?: string };
  if (action === 'hibernate') return undefined;
  const endMs = Date.parse(time ?? '');
  if (Number.isNaN(endMs)) throw new Error(`spot/instance-action names no time: ${text}`);
  return endMs;
}
