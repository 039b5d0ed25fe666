import type { Fields, FieldValue } from './parsed.ts';

/** Safe for any name: assigning to `__proto__` would set the prototype. */
export function setField(fields: Fields, name: string, value: FieldValue): void {
  if (name !== '__proto__') fields[name] = value;
  else Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}

/** The field that is the event's message, when it is text: `message`, else `msg`, else `log`. */
export function messageField(fields: Fields): string | undefined {
  if (Object.hasOwn(fields, 'message') && typeof fields.message === 'string') return 'message';
  if (Object.hasOwn(fields, 'msg') && typeof fields.msg === 'string') return 'msg';
  return Object.hasOwn(fields, 'log') && typeof fields.log === 'string' ? 'log' : undefined;
}
