/**
 * Queues and buckets on the running moto, for tests.
 *
 * @module
 */
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { inject } from "vitest";

/** Moto checks none by default; the SDK wants some. */
export const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test-secret" };
export const REGION = "us-east-1";

/** Where moto answers; empty when the tests are skipped. */
export const motoUrl = inject("motoUrl") ?? "";

const client = { endpoint: motoUrl, region: REGION, credentials: CREDENTIALS };
export const sqs = new SQSClient(client);
export const s3 = new S3Client({ ...client, forcePathStyle: true });

export interface TestQueue {
  url: string;
  arn: string;
}

/** A new queue; with `deadLetterArn`, one that moves what was received `maxReceiveCount` times there. */
export async function createQueue(redrive?: { deadLetterArn: string; maxReceiveCount: number }): Promise<TestQueue> {
  const policy = redrive && {
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: redrive.deadLetterArn,
      maxReceiveCount: redrive.maxReceiveCount,
    }),
  };
  const command = new CreateQueueCommand({ QueueName: `queue-${crypto.randomUUID()}`, Attributes: policy });
  const { QueueUrl: url = "" } = await sqs.send(command);
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
  return { url, arn: Attributes?.["QueueArn"] ?? "" };
}

/** A new bucket's name. */
export async function createBucket(): Promise<string> {
  const bucket = `bucket-${crypto.randomUUID()}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  return bucket;
}

/** What waits in a dead-letter queue. */
export async function readDeadLetters(url: string): Promise<{ body: string; reason: string | undefined }[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 0,
      MessageAttributeNames: ["All"],
    }),
  );
  return Messages.map(({ Body = "", MessageAttributes }) => ({
    body: Body,
    reason: MessageAttributes?.["reason"]?.StringValue,
  }));
}
