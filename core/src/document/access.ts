import { isIPv4, isIPv6 } from 'node:net';
import type { AccessLine } from '../parse/parsed.ts';
import { quoted } from './json-text.ts';

/** An access-log line in ECS names, as JSON members with a comma before each. */
export function accessMembers(line: AccessLine): string {
  return source(line) + http(line) + other(line);
}

function source(line: AccessLine): string {
  if (line.remote === undefined) return '';
  const address = quoted(line.remote);
  // The field is typed: what is no address (a host name, "unix:") must not get there.
  const ip = isAddress(line.remote) ? `,"ip":${address}` : '';
  return `,"source":{"address":${address}${ip}}`;
}

function http(line: AccessLine): string {
  let request = line.method === undefined ? '' : `"method":${quoted(line.method)}`;
  if (line.referrer !== undefined)
    request += `${request === '' ? '' : ','}"referrer":${quoted(line.referrer)}`;
  const bytes = line.bytes === undefined ? '' : `,"body":{"bytes":${line.bytes}}`;
  const version = line.version === undefined ? '' : `,"version":${quoted(line.version)}`;
  const requestMember = request === '' ? '' : `,"request":{${request}}`;
  const status = line.status === undefined ? '' : `,"status_code":${line.status}`;
  const response = `${status}${bytes}`.slice(1);
  const http = `${requestMember}${response === '' ? '' : `,"response":{${response}}`}${version}`.slice(1);
  return http === '' ? '' : `,"http":{${http}}`;
}

function other(line: AccessLine): string {
  let members = '';
  if (line.target !== undefined) members += `,"url":{"original":${quoted(line.target)}}`;
  if (line.user !== undefined) members += `,"user":{"name":${quoted(line.user)}}`;
  if (line.agent !== undefined) members += `,"user_agent":{"original":${quoted(line.agent)}}`;
  return members;
}

function isAddress(text: string): boolean {
  return isIPv4(text) || (text.includes(':') && !text.includes('%') && isIPv6(text));
}
