import type { Leaves } from './containers.ts';
import { quoted } from './json-text.ts';
import type { WellKnown } from './reserved.ts';

/** What parsed and added fields contribute to a document. */
export interface FieldMembers {
  /** JSON members with a comma before each: `service`, `trace`, `fields`, `kv`, `kn`. */
  json: string;
  /** A name of log.level, which has its place in `log`. */
  level: string | undefined;
  /** service.name, as it stands in `json`. */
  service: string | undefined;
  /** Leaves that a limit kept out of the containers. */
  leftOut: number;
}

export function fieldMembers(leaves: Readonly<Leaves>, wellKnown: WellKnown): FieldMembers {
  let json = '';
  if (wellKnown.service !== undefined) json += `,"service":{"name":${quoted(wellKnown.service)}}`;
  if (wellKnown.trace !== undefined) json += `,"trace":{"id":${quoted(wellKnown.trace)}}`;
  if (leaves.json !== '') json += `,"fields":{${leaves.json}}`;
  if (leaves.kv !== '') json += `,"kv":[${leaves.kv}]`;
  if (leaves.kn !== '') json += `,"kn":[${leaves.kn}]`;
  return { json, level: wellKnown.level, service: wellKnown.service, leftOut: leaves.leftOut };
}
