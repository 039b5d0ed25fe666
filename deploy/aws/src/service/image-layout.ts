/**
 * What the images (deploy/images/Dockerfile) have: Node in the path, the project below the working folder, an entry
 * point that is the program, and in the consumer's also Java and the KCL's jars.
 */
export const layout = { java: '/opt/java/openjdk/bin/java', jars: '/opt/kcl' } as const;

/** Folders of a task: all that is written goes there, as the root file system is read only. */
export const folders = {
  files: '/run/millrace',
  state: '/var/lib/millrace',
  tmp: '/tmp',
} as const;

/** The user and group that programs run as: the images'. */
export const user = 10_001;
