import { MillraceError } from '@millrace/core/errors.ts';

/**
 * Values that take the place of generated ones, by file: `consumer.archive.idle_ms_max=2000`, or for the agent by
 * section: `agent.match.outbox_size=1g`.
 */
export interface Overrides {
  agent: Override[];
  consumer: Override[];
  'search-api': Override[];
}

export interface Override {
  path: string[];
  value: unknown;
}

/**
 * Reads `FILE.KEY[.KEY…]=VALUE` settings; a value is JSON, or else text.
 * @throws MillraceError USAGE
 */
export function parseOverrides(settings: string[]): Overrides {
  const overrides: Overrides = { agent: [], consumer: [], 'search-api': [] };
  for (const setting of settings) {
    const [, file, keys, text] =
      /^(consumer|search-api|agent(?=\.(?:system|match)\.[a-z0-9_]+=))\.([a-z0-9_.]+)=(.*)$/s.exec(setting) ??
      [];
    if (file === undefined || keys === undefined || text === undefined) {
      throw new MillraceError('USAGE', `--set "${setting}" is not FILE.KEY=VALUE`, {
        hint:
          'for example consumer.archive.object_age_ms_max=60000, search-api.requests_max=128, ' +
          'agent.match.outbox_size=1g or agent.system.log_level=debug',
      });
    }
    overrides[file as keyof Overrides].push({ path: keys.split('.'), value: parsedValue(text) });
  }
  return overrides;
}

/** A copy of `config` with the overrides in it; unknown keys are found by the part that reads it. */
export function withOverrides(config: object, overrides: Override[]): object {
  const copy = structuredClone(config) as Record<string, unknown>;
  for (const { path, value } of overrides) {
    let at = copy;
    for (const key of path.slice(0, -1)) {
      const next = at[key];
      at[key] = typeof next === 'object' && next !== null ? next : {};
      at = at[key] as Record<string, unknown>;
    }
    at[path.at(-1) ?? ''] = value;
  }
  return copy;
}

function parsedValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
