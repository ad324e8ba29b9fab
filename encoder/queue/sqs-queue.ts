/**
 * The queue over SQS, or a server that speaks its protocol.
 *
 * Dead letters go to the queue that the redrive policy names, with the reason as the attribute `reason`; without a policy
 * to the given `setAside`. Gaps from the local queue: visibility is in whole seconds (rounded up), the order is a hint,
 * and what SQS itself moves after too many deliveries carries no reason.
 *
 * @module
 */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  SQSServiceException,
} from "@aws-sdk/client-sqs";
import { z } from "zod";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { checkBody, checkReceive, checkVisibility } from "./checks.ts";
import {
  type DeadLetter,
  type JobQueue,
  MAX_MESSAGES_AT_ONCE,
  MAX_RECEIVES,
  type QueueBacklog,
  type QueueMessage,
  type ReceiveOptions,
  unfinishedReason,
} from "./queue.ts";

/** Attempts of the SDK, which waits longer each time. Its default of 3 gives up within a second. */
const MAX_ATTEMPTS = 5;
const CONNECT_TIMEOUT_MS = 5_000;
/** Silence on the line: more than the 20 s that long polling is silent. */
const IDLE_TIMEOUT_MS = 30_000;
/** Of a reason, as an attribute: readable, and far from SQS's limit of a message. */
const MAX_REASON_CHARS = 1_000;
/** What an attribute of SQS cannot hold: all but tab, line ends and what XML takes. */
// oxlint-disable-next-line no-control-regex -- control characters are what is being replaced
const NOT_IN_ATTRIBUTES = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g;
/** What SQS calls a delivery that is not this worker's any more. */
const EXPIRED_CODES: ReadonlySet<string> = new Set([
  "MessageNotInflight",
  "InvalidParameterValue",
  "ReceiptHandleIsInvalid",
  "AWS.SimpleQueueService.MessageNotInflight",
]);

const BACKLOG_ATTRIBUTES = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
] as const;

const redrivePolicy = z.object({ deadLetterTargetArn: z.string() });

export interface SqsQueueOptions {
  /** `https://sqs.eu-west-1.amazonaws.com/123456789012/events`. */
  url: string;
  /** Where the URL's host does not say it; default us-east-1, which servers that are not AWS ignore. */
  region?: string | undefined;
  /** Default: what the SDK finds, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` first. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } | undefined;
  /** Keeps a dead letter when the queue has no redrive policy. Must be durable when it returns. */
  setAside: (dead: DeadLetter) => Promise<void>;
  clock?: Clock | undefined;
}

export class SqsQueue implements JobQueue {
  readonly description: string;
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #setAside: SqsQueueOptions["setAside"];
  readonly #clock: Clock;
  /** Null when the queue has no redrive policy; undefined until that is known. */
  #deadLetterUrl: string | null | undefined;

  /** Errors: `invalid_request` for an address that is no URL. */
  constructor({ url, region, credentials, setAside, clock = systemClock }: SqsQueueOptions) {
    if (!URL.canParse(url)) throw new MaxleafError("invalid_request", `the queue's address ${quote(url)} is no URL`);
    const { hostname, origin } = new URL(url);
    this.description = url;
    this.#url = url;
    this.#setAside = setAside;
    this.#clock = clock;
    this.#client = new SQSClient({
      region: regionOf(hostname) ?? region ?? "us-east-1",
      endpoint: origin,
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: IDLE_TIMEOUT_MS },
      ...(credentials !== undefined && { credentials }),
    });
  }

  async send(bodies: readonly string[]): Promise<void> {
    for (const body of bodies) checkBody(body);
    // One by one when they are large: a batch has the size limit of one message.
    for (let first = 0; first < bodies.length; first += MAX_MESSAGES_AT_ONCE) {
      await this.#sendBatch(bodies.slice(first, first + MAX_MESSAGES_AT_ONCE));
    }
  }

  async receive(options: ReceiveOptions): Promise<QueueMessage[]> {
    checkReceive(options);
    const { max, waitMs, visibilityMs, signal } = options;
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#url,
      MaxNumberOfMessages: max,
      WaitTimeSeconds: Math.ceil(waitMs / 1_000),
      VisibilityTimeout: secondsOf(visibilityMs),
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    });
    try {
      const { Messages = [] } = await this.#client.send(command, { ...(signal && { abortSignal: signal }) });
      const received = Messages.map((message) => this.#toMessage(message));
      return await this.#withoutWornOut(received);
    } catch (error) {
      if (signal?.aborted === true) return [];
      throw this.#translate("received from", error);
    }
  }

  async extend(message: QueueMessage, visibilityMs: number): Promise<boolean> {
    checkVisibility(visibilityMs);
    try {
      await this.#client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: this.#url,
          ReceiptHandle: message.receipt,
          VisibilityTimeout: secondsOf(visibilityMs),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof SQSServiceException && EXPIRED_CODES.has(error.name)) return false;
      throw this.#translate("held", error);
    }
  }

  async ack(messages: readonly QueueMessage[]): Promise<void> {
    for (let first = 0; first < messages.length; first += MAX_MESSAGES_AT_ONCE) {
      await this.#deleteBatch(messages.slice(first, first + MAX_MESSAGES_AT_ONCE));
    }
  }

  async fail(message: QueueMessage, reason: string): Promise<void> {
    // Only who still has it may set it aside: it would be there twice.
    if (!(await this.extend(message, FAIL_VISIBILITY_MS))) return;
    try {
      await this.#bury(message, reason);
    } catch (error) {
      throw this.#translate("set aside from", error);
    }
  }

  async backlog(): Promise<QueueBacklog> {
    try {
      const command = new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: [...BACKLOG_ATTRIBUTES] });
      const { Attributes } = await this.#client.send(command);
      // What is not said must not be taken for an empty queue, on which an autoscaler ends the last worker.
      const waiting = countOf(Attributes, "ApproximateNumberOfMessages");
      const notVisible = countOf(Attributes, "ApproximateNumberOfMessagesNotVisible");
      const delayed = countOf(Attributes, "ApproximateNumberOfMessagesDelayed");
      // The age of the oldest message is a metric of CloudWatch only.
      return { waiting, hidden: notVisible + delayed, oldestWaitingMs: undefined };
    } catch (error) {
      throw this.#translate("looked at", error);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  /** Where no redrive policy does it, messages delivered too often are set aside here. */
  async #withoutWornOut(messages: readonly QueueMessage[]): Promise<QueueMessage[]> {
    const kept: QueueMessage[] = [];
    for (const message of messages) {
      if (message.receiveCount <= MAX_RECEIVES) kept.push(message);
      else await this.#bury(message, unfinishedReason(message.receiveCount - 1));
    }
    return kept;
  }

  /** First kept elsewhere, then deleted: a crash between leaves it twice, never nowhere. */
  async #bury(message: QueueMessage, reason: string): Promise<void> {
    const { id, body, receiveCount } = message;
    const deadLetterUrl = (this.#deadLetterUrl ??= await this.#findDeadLetterUrl());
    if (deadLetterUrl === null) {
      await this.#setAside({ id, body, receiveCount, reason, failedAtMs: this.#clock.nowMs() });
    } else {
      const text = reason.replace(NOT_IN_ATTRIBUTES, "?").slice(0, MAX_REASON_CHARS);
      const attribute = (value: string) => ({ DataType: "String", StringValue: value });
      await this.#client.send(
        new SendMessageCommand({
          QueueUrl: deadLetterUrl,
          MessageBody: body,
          MessageAttributes: { reason: attribute(text), messageId: attribute(id) },
        }),
      );
    }
    await this.#client.send(new DeleteMessageCommand({ QueueUrl: this.#url, ReceiptHandle: message.receipt }));
  }

  async #findDeadLetterUrl(): Promise<string | null> {
    const { Attributes } = await this.#client.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#url, AttributeNames: ["RedrivePolicy"] }),
    );
    const policy = Attributes?.["RedrivePolicy"];
    if (policy === undefined || policy === "") return null;
    // arn:aws:sqs:eu-west-1:123456789012:events-dead
    const { deadLetterTargetArn } = redrivePolicy.parse(JSON.parse(policy));
    const [account, name] = deadLetterTargetArn.split(":").slice(-2);
    const { QueueUrl } = await this.#client.send(
      new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: account }),
    );
    return QueueUrl ?? null;
  }

  #toMessage({ MessageId, Body, ReceiptHandle, Attributes }: Message): QueueMessage {
    if (MessageId === undefined || ReceiptHandle === undefined) throw new Error("a message came without its id");
    const receiveCount = Number(Attributes?.ApproximateReceiveCount ?? 1);
    return { id: MessageId, body: Body ?? "", receiveCount, receipt: ReceiptHandle };
  }

  async #sendBatch(bodies: readonly string[]): Promise<void> {
    try {
      const bytes = bodies.reduce((sum, body) => sum + Buffer.byteLength(body), 0);
      if (bytes > MAX_BATCH_BYTES) {
        for (const body of bodies) {
          await this.#client.send(new SendMessageCommand({ QueueUrl: this.#url, MessageBody: body }));
        }
        return;
      }
      const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
      const { Failed } = await this.#client.send(new SendMessageBatchCommand({ QueueUrl: this.#url, Entries }));
      throwFirst(Failed);
    } catch (error) {
      throw this.#translate("sent to", error);
    }
  }

  async #deleteBatch(messages: readonly QueueMessage[]): Promise<void> {
    const Entries = messages.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt }));
    try {
      const { Failed } = await this.#client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#url, Entries }));
      throwFirst(Failed?.filter(({ Code = "" }) => !EXPIRED_CODES.has(Code)));
    } catch (error) {
      throw this.#translate("acknowledged to", error);
    }
  }

  #translate(verb: string, cause: unknown): MaxleafError {
    if (cause instanceof MaxleafError) return cause;
    const because = cause instanceof Error ? cause.message || cause.name : String(cause);
    const message = `the queue ${this.#url} could not be ${verb}: ${because}`;
    return new MaxleafError("queue_unavailable", message, { cause });
  }
}

/** A batch has the size limit of one message, 256 KiB; attributes and names need some of it. */
const MAX_BATCH_BYTES = 200 * 1024;
/** Long enough to set a message aside. */
const FAIL_VISIBILITY_MS = 60_000;

function countOf(attributes: Record<string, string> | undefined, name: (typeof BACKLOG_ATTRIBUTES)[number]): number {
  const text = attributes?.[name] ?? "";
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`its attribute ${name} is ${quote(text)}`);
}

function throwFirst(failed: readonly { Code?: string | undefined; Message?: string | undefined }[] = []): void {
  const [first] = failed;
  if (first !== undefined) throw new Error(`${first.Code}: ${first.Message ?? ""}`);
}

/** SQS counts in seconds; a message must not show before its time. */
function secondsOf(durationMs: number): number {
  return Math.ceil(durationMs / 1_000);
}

function regionOf(hostname: string): string | undefined {
  return /^sqs\.([a-z0-9-]+)\.amazonaws\.com/.exec(hostname)?.[1];
}
