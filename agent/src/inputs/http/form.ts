import { Refusal } from './refusal.ts';

interface Field {
  name: 'json' | 'ndjson' | 'msgpack';
  value: Buffer;
}

const names = ['json', 'ndjson', 'msgpack'] as const;

/** The one field of a form that holds events, as bytes. @throws Refusal 400 */
export async function formField(body: Buffer, contentType: string): Promise<Field> {
  const field = contentType.trim().toLowerCase().startsWith('multipart/')
    ? await multipart(body, contentType)
    : urlencoded(body);
  if (field) return field;
  throw new Refusal(400, 'the form has no field json, ndjson or msgpack', {});
}

function urlencoded(body: Buffer): Field | undefined {
  for (let at = 0; at < body.length; ) {
    const next = body.indexOf(0x26, at);
    const end = next < 0 ? body.length : next;
    const equals = body.indexOf(0x3d, at);
    const name = names.find(
      (each) => equals >= 0 && equals < end && body.toString('latin1', at, equals) === each,
    );
    if (name) return { name, value: percentDecoded(body.subarray(equals + 1, end)) };
    at = end + 1;
  }
  return undefined;
}

/** Bytes, as MessagePack is no text. What is no escape stands for itself. */
function percentDecoded(bytes: Buffer): Buffer {
  const decoded = Buffer.alloc(bytes.length);
  let fill = 0;
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at] as number;
    if (byte === 0x2b) byte = 0x20;
    else if (byte === 0x25) {
      const value = Number.parseInt(bytes.toString('latin1', at + 1, at + 3), 16);
      if (/^[\da-fA-F]{2}$/.test(bytes.toString('latin1', at + 1, at + 3))) {
        byte = value;
        at += 2;
      }
    }
    decoded[fill++] = byte;
  }
  return decoded.subarray(0, fill);
}

async function multipart(body: Buffer, contentType: string): Promise<Field | undefined> {
  try {
    const form = await new Response(new Uint8Array(body), {
      headers: { 'content-type': contentType },
    }).formData();
    for (const name of names) {
      const value = form.get(name);
      if (typeof value === 'string') return { name, value: Buffer.from(value) };
      if (value !== null) return { name, value: Buffer.from(await value.arrayBuffer()) };
    }
    return undefined;
  } catch {
    throw new Refusal(400, 'the form cannot be read');
  }
}
