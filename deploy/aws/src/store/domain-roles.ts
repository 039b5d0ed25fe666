/** A role inside of the domain, as its security API takes it, and the roles of IAM that have it. */
export interface DomainRole {
  who: string[];
  cluster_permissions: string[];
  index_permissions: { index_patterns: string[]; allowed_actions: string[] }[];
}

const ours = ['millrace-*', 'millrace_*'];
const points = ['indices:data/read/point_in_time/create', 'indices:data/read/point_in_time/delete'];

/**
 * What each program asks of the store (docs/stores.md has the same for Elasticsearch). The consumer writes,
 * installs templates and deletes days; the search API reads, and keeps what people save.
 */
export function domainRoles(who: {
  consumer: string;
  searchApi: string;
  ledger: string;
}): Record<string, DomainRole> {
  const reading = {
    cluster_permissions: ['cluster_monitor', 'cluster_composite_ops_ro', 'indices:data/read/scroll/clear'],
    index_permissions: [{ index_patterns: ours, allowed_actions: ['read', 'indices_monitor', ...points] }],
  };
  return {
    millrace_consumer: {
      who: [who.consumer],
      cluster_permissions: [
        'cluster_monitor',
        'cluster_composite_ops',
        'cluster_manage_index_templates',
        'indices:data/read/scroll/clear',
      ],
      index_permissions: [
        {
          index_patterns: ours,
          allowed_actions: [
            'crud',
            'create_index',
            'indices_monitor',
            'indices:admin/delete',
            'indices:admin/mapping/put',
            'indices:admin/refresh*',
            ...points,
          ],
        },
      ],
    },
    millrace_search: {
      who: [who.searchApi],
      cluster_permissions: [...reading.cluster_permissions, 'indices:data/write/bulk'],
      index_permissions: [
        ...reading.index_permissions,
        {
          index_patterns: ['millrace_objects'],
          allowed_actions: ['crud', 'create_index', 'indices:admin/refresh*'],
        },
      ],
    },
    millrace_ledger: { who: [who.ledger], ...reading },
  };
}
