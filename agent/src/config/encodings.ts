/** Ruby's names that differ from the WHATWG labels which rules carry. */
const labels: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  ascii: 'utf-8',
  'us-ascii': 'utf-8',
  'ascii-8bit': 'utf-8',
  binary: 'utf-8',
  cp949: 'euc-kr',
  'windows-949': 'euc-kr',
  'windows-31j': 'shift_jis',
  cp932: 'shift_jis',
  sjis: 'shift_jis',
  eucjp: 'euc-jp',
  euckr: 'euc-kr',
  cp936: 'gbk',
  'eucjp-ms': 'euc-jp',
  cp51932: 'euc-jp',
  'utf-16': 'utf-16be',
  'ucs-2be': 'utf-16be',
  cp65001: 'utf-8',
  cp950: 'big5',
  cp1250: 'windows-1250',
  cp1251: 'windows-1251',
  cp1252: 'windows-1252',
  cp1253: 'windows-1253',
  cp1254: 'windows-1254',
  cp1255: 'windows-1255',
  cp1256: 'windows-1256',
  cp1257: 'windows-1257',
  cp1258: 'windows-1258',
  cp874: 'windows-874',
};

/** The WHATWG label of an encoding by Ruby's name; undefined when there is none. */
export function encodingLabel(ruby: string): string | undefined {
  const name = ruby.toLowerCase();
  const label = Object.hasOwn(labels, name) ? labels[name] : name;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}
