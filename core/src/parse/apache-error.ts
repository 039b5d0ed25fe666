import { type Fields, type Parser, parseFailure } from './parsed.ts';

const head = /^\[([^\]]{1,64})\] \[(?:([\w-]{0,64}):)?([\w-]{1,16})\]/;
const process = /^ \[pid (\d{1,20})(?::tid ([^\]\s]{1,40}))?\]/;
const client = /^ \[(?:client|remote) ([^\]]{1,256})\]/;
/** Longest head that is looked at. */
const headMax = 512;

/**
 * Apache's error log, 2.2 (`[time] [level] [client …] message`) and 2.4 (`[time] [module:level] [pid …] …`). Fields:
 * time, module, level, pid, tid, client, message.
 */
export const parseApacheError: Parser = (text) => {
  const start = text.slice(0, headMax);
  const first = head.exec(start);
  if (first === null) return parseFailure('no [time] and [level]');
  const fields: Fields = { time: first[1], level: first[3] };
  if (first[2] !== undefined && first[2] !== '') fields.module = first[2];
  let at = first[0].length;
  const second = process.exec(start.slice(at));
  if (second !== null) {
    fields.pid = second[1];
    if (second[2] !== undefined) fields.tid = second[2];
    at += second[0].length;
  }
  const third = client.exec(start.slice(at));
  if (third !== null) {
    fields.client = third[1];
    at += third[0].length;
  }
  fields.message = text.slice(text[at] === ' ' ? at + 1 : at);
  return { fields, access: undefined };
};
