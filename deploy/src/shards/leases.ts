import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { type AwsAddress, awsTimeouts, errorName, unavailable } from './aws.ts';
import type { Lease, LeaseTable } from './ports.ts';

/** The KCL's table: one item a shard, some hundred small ones. */
export function createLeaseTable(TableName: string, address: AwsAddress): LeaseTable {
  const client = new DynamoDBClient({ ...address, requestHandler: awsTimeouts });
  return {
    async leases() {
      const leases: Lease[] = [];
      try {
        for await (const { Items = [] } of paginateScan({ client }, { TableName, ConsistentRead: true })) {
          for (const { leaseKey, leaseOwner, leaseCounter, checkpoint } of Items) {
            leases.push({
              shard: leaseKey?.S ?? '',
              owner: leaseOwner?.S,
              counter: leaseCounter?.N ?? '',
              checkpoint: checkpoint?.S ?? '',
            });
          }
        }
        return leases;
      } catch (cause) {
        if (errorName(cause) === 'ResourceNotFoundException') return undefined;
        throw unavailable(`Scan of lease table ${TableName}`, cause);
      }
    },
    close: () => client.destroy(),
  };
}
