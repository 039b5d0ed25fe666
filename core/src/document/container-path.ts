import type { Fields } from '../parse/parsed.ts';

/**
 * What the path of a container's log says about it, in fluentd's names: `kubernetes.*` for
 * `…/containers/POD_NAMESPACE_CONTAINER-ID.log` and `…/pods/NAMESPACE_POD_UID/CONTAINER/N.log`, `docker.container_id`
 * for `…/containers/ID/ID-json.log`. Undefined for all other paths.
 */
export function containerFields(path: string): Fields | undefined {
  const link = /\/containers\/([^/_]{1,253})_([^/_]{1,63})_([^/]{1,253})-([0-9a-f]{64})\.log$/.exec(path);
  if (link !== null) {
    const [, pod, namespace, container, id] = link;
    return { kubernetes: names(pod, namespace, container), docker: { container_id: id } };
  }
  // Rotated files are beside it: 0.log.20261122-191648, also packed.
  const file = /\/pods\/([^/_]{1,63})_([^/_]{1,253})_([^/_]{1,64})\/([^/]{1,253})\/\d{1,9}\.log[^/]*$/.exec(
    path,
  );
  if (file !== null) {
    const [, namespace, pod, uid, container] = file;
    return { kubernetes: { ...names(pod, namespace, container), pod_id: uid } };
  }
  const id = /\/containers\/([0-9a-f]{64})\/\1-json\.log[^/]*$/.exec(path)?.[1];
  return id === undefined ? undefined : { docker: { container_id: id } };
}

function names(
  pod: string | undefined,
  namespace: string | undefined,
  container: string | undefined,
): Fields {
  return { pod_name: pod, namespace_name: namespace, container_name: container };
}
