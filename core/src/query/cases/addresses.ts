/** Addresses as they are written, and as engines name what they count by. */
export const addressCases: [written: string, canonical: string][] = [
  ['10.0.0.1', '10.0.0.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['::ffff:192.168.1.1', '192.168.1.1'],
  ['::ffff:c0a8:0102', '192.168.1.2'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:DB8:0:0:0:0:0:FF', '2001:db8::ff'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:1:0:0:0:0:1', '2001:db8:1::1'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['fe80:0:0:0:0202:b3ff:fe1e:8329', 'fe80::202:b3ff:fe1e:8329'],
  ['::1.2.3.4', '::102:304'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
];
