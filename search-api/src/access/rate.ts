import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { SearchApiConfig } from '../config.ts';
import { failure, Refused } from '../failure.ts';
import type { Api } from '../server.ts';

/** Bounds by time. Counters are kept in memory, of the subjects and addresses that were last heard of. */
export interface RateLimits {
  /** @throws Refused 429: this subject, or address when nothing says who it is, asked too much this minute */
  count(request: FastifyRequest): Promise<void>;
  /** @throws Refused 429: this address showed too many wrong keys; it is not looked up whether this one is right */
  beforeLookup(request: FastifyRequest): Promise<void>;
  /** @throws Refused 429: as beforeLookup, with this wrong key */
  afterFailure(request: FastifyRequest): Promise<void>;
}

const minuteMs = 60_000;

export async function rateLimits(api: Api, config: SearchApiConfig['rate_limit']): Promise<RateLimits> {
  await api.register(fastifyRateLimit, { global: false });
  const cache = config.subjects_max;
  const failureOptions = { max: config.failures_per_minute, timeWindow: minuteMs, cache };
  const failures = api.createRateLimit(failureOptions);
  const bySubject = { max: config.per_minute, timeWindow: minuteMs, cache };
  const addresses = api.createRateLimit(bySubject);
  const subjects = api.createRateLimit({ ...bySubject, keyGenerator: ({ access }) => access.subject });
  return {
    async count(request) {
      const { subject } = request.access;
      if (subject === 'loopback') return;
      const byAddress = subject === 'nobody' || subject === 'open';
      const state = await (byAddress ? addresses : subjects)(request);
      if (!state.isAllowed && state.isExceeded)
        throw tooMany(state.ttlInSeconds, 'too many requests in a minute');
    },
    async beforeLookup(request) {
      const state = await failures(request, { increment: false });
      if (!state.isAllowed && state.remaining === 0) throw tooMany(state.ttlInSeconds, 'too many wrong keys');
    },
    async afterFailure(request) {
      const state = await failures(request);
      if (!state.isAllowed && state.isExceeded) throw tooMany(state.ttlInSeconds, 'too many wrong keys');
    },
  };
}

function tooMany(seconds: number, message: string): Refused {
  const headers = { 'retry-after': String(Math.max(1, seconds)) };
  const hint = `try again in ${Math.max(1, seconds)} s, or raise rate_limit in search-api.json`;
  return new Refused(failure(429, 'rate_limited', 'RATE_LIMITED', message, hint, { headers }));
}
