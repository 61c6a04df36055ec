/** The names that all recordings of the demo share, so that they tell one story. */

export const story = {
  /** Runs the Kubernetes cluster `lyon-line`. */
  lyon: { site: 'factory-lyon', jurisdiction: 'eu-fr' },
  /** Runs the Windows hosts of theshire.local. */
  shenzhen: { site: 'factory-shenzhen', jurisdiction: 'cn-gd' },
  image: { registry: 'registry.factory.example', repository: 'hmi-gateway', tag: '1.4.2' },
  namespace: 'line-3',
  deployment: 'hmi-gateway',
  replicaSet: 'hmi-gateway-7d9c5b8f6d',
  pod: 'hmi-gateway-7d9c5b8f6d-x2k4q',
  serviceAccount: 'hmi-gateway',
  node: 'lyon-edge-01',
  /** The pod's address; it is the victim's own address in the log4j capture. */
  podAddress: '172.16.238.10',
  /** What the exploited workload calls out to; it is the server's address in the trickbot capture. */
  callout: { address: '82.118.225.196', port: 7080 },
  /** Serves the LDAP referral and the class file in the log4j capture. */
  exploitServer: { address: '172.16.238.11', ldapPort: 1389, httpPort: 80 },
  /** Takes the reverse shell in the log4j capture. */
  shellListener: { address: '10.10.10.31', port: 9001 },
  /** A controller on the line that is scanned from the pod. */
  controller: '10.20.3.40',
  /** The account whose password lies in a secret of the namespace and is used on the Windows hosts. */
  windowsAccount: 'pgustavo',
  windowsHost: { name: 'WORKSTATION5.theshire.local', address: '172.18.39.5' },
  secret: 'historian-pgustavo',
} as const;

/** `registry/repository:tag` */
export const imageName = `${story.image.registry}/${story.image.repository}:${story.image.tag}`;
