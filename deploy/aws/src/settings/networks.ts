import type { Settings } from './schema.ts';

/** Of the VPC: three subnets of /22 and three of /26 fit into a /20, and AWS makes none above /16. */
const vpcPrefix = { least: 16, most: 20 } as const;

/** What is wrong with networks, where, and what to do. */
export function networkProblems({ network, search_api: search, gateway }: Settings): string[] {
  const named: [where: string, cidr: string][] = [
    ['/network/cidr', network.cidr],
    ...search.from.map((cidr, i): [string, string] => [`/search_api/from/${i}`, cidr]),
    ...(gateway?.from ?? []).map((cidr, i): [string, string] => [`/gateway/from/${i}`, cidr]),
  ];
  const problems = named
    .filter(([, cidr]) => !isNetwork(cidr))
    .map(([where, cidr]) => `${where}: ${cidr} is no network; write its first address, as in 10.60.0.0/16`);
  const prefix = Number(network.cidr.split('/')[1]);
  if (prefix < vpcPrefix.least || prefix > vpcPrefix.most)
    problems.push(
      `/network/cidr: ${network.cidr} is not of /16 to /20, which three subnets of /22 need; 10.60.0.0/20 would do`,
    );
  return problems;
}

/** Numbers that fit, and no bits beyond the prefix. */
function isNetwork(cidr: string): boolean {
  const [address = '', prefix = ''] = cidr.split('/');
  const octets = address.split('.').map(Number);
  if (Number(prefix) > 32 || octets.some((octet) => octet > 255)) return false;
  const value = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return value % 2 ** (32 - Number(prefix)) === 0;
}
