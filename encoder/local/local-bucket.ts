/**
 * The bucket that workerd keeps for the local edge worker, as an S3 endpoint.
 *
 * @module
 */

/** As in wrangler.toml (a test compares them). No secrets: the endpoint listens on the loopback interface only. */
export const LOCAL_BUCKET = { name: "maxleaf", accessKeyId: "local", secretAccessKey: "localsecret" } as const;

/** Where a worker run by wrangler serves its buckets. */
export function localS3Endpoint(edgeUrl: string): string {
  return `${edgeUrl}/cdn-cgi/local/r2/s3`;
}
