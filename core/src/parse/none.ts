import type { Parser } from './parsed.ts';

/** The record is its message. */
export const parseNone: Parser = () => ({ fields: undefined, access: undefined });
