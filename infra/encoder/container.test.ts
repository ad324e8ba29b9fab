/**
 * The container files say what they must. No Docker engine runs here: syntax, sources, users and secrets are checked, not
 * the images.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DockerfileParser } from "dockerfile-ast";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const KEYWORDS = new Set(["ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"]);
const SECRET_NAME = /SECRET|PASSWORD|TOKEN|ACCESS_KEY/;

/** Source paths that a Dockerfile copies from the build context (not from another stage). */
function contextSources(dockerfile: string): string[] {
  return DockerfileParser.parse(dockerfile)
    .getCOPYs()
    .filter((copy) => copy.getFlags().every((flag) => flag.getName() !== "from"))
    .flatMap((copy) => copy.getArguments().slice(0, -1))
    .map((argument) => argument.getValue());
}

/** Whether `.dockerignore` lets a top-level path into the build. */
function entersBuild(path: string): boolean {
  const rules = read(".dockerignore").split("\n");
  return rules.includes("*") && rules.includes(`!${path}`);
}

describe.each(["infra/encoder/Dockerfile", "infra/encoder/Dockerfile.cuda"])("%s", (path) => {
  const text = read(path);
  const dockerfile = DockerfileParser.parse(text);
  const instructions = dockerfile.getInstructions();

  it("has only instructions that Docker knows", () => {
    expect(instructions.map((instruction) => instruction.getKeyword()).filter((word) => !KEYWORDS.has(word))).toEqual(
      [],
    );
  });

  it("copies files that exist and enter the build", () => {
    const sources = contextSources(text);
    expect(sources).toContain("encoder");
    expect(sources.filter((source) => !existsSync(join(root, source)) || !entersBuild(source))).toEqual([]);
  });

  it("builds on images with an exact tag", () => {
    const images = instructions
      .filter((instruction) => instruction.getKeyword() === "ARG")
      .map((instruction) => instruction.getArgumentsContent() ?? "");
    expect(images.length).toBeGreaterThan(0);
    for (const image of images) expect(image).toMatch(/^[A-Z_]+=[a-z/]+:\d+\.\d+/);
  });

  it("runs as another user than root, starting a file that exists", () => {
    const users = instructions.filter((instruction) => instruction.getKeyword() === "USER");
    expect(users.at(-1)?.getArgumentsContent()).toMatch(/^(node|ubuntu)$/);
    const command = z.array(z.string()).parse(JSON.parse(dockerfile.getCMDs().at(-1)?.getArgumentsContent() ?? ""));
    expect(command).toEqual(["node", "encoder/bin/maxleaf.mjs", "encoder"]);
    expect(existsSync(join(root, command[1] ?? ""))).toBe(true);
  });

  it("names no secret", () => {
    const set = dockerfile.getENVs().flatMap((env) => env.getProperties().map((property) => property.getName()));
    expect(set.filter((name) => SECRET_NAME.test(name))).toEqual([]);
  });
});

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
      environment: z.record(z.string(), z.string()).optional(),
      ports: z.array(z.string()).optional(),
      depends_on: z.record(z.string(), z.unknown()).optional(),
      volumes: z.array(z.string()).optional(),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
});

describe("infra/compose.yaml", () => {
  const compose = composeSchema.parse(parse(read("infra/compose.yaml"), { merge: true }));
  const services = Object.entries(compose.services);

  it("builds from a Dockerfile that exists", () => {
    const builds = services.flatMap(([, service]) => service.build ?? []);
    expect(builds.length).toBeGreaterThan(0);
    for (const build of builds) expect(existsSync(join(root, "infra", build.context, build.dockerfile))).toBe(true);
  });

  it("takes every secret from the environment and refuses to start without it", () => {
    const secrets = services.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => SECRET_NAME.test(name)),
    );
    expect(secrets.length).toBeGreaterThan(0);
    for (const [, value] of secrets) expect(value).toMatch(/^\$\{[A-Z0-9_]+:\?.+\}$/);
  });

  it("opens ports to this machine only", () => {
    for (const port of services.flatMap(([, service]) => service.ports ?? [])) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it("refers to services and volumes that it defines", () => {
    for (const [, service] of services) {
      for (const needed of Object.keys(service.depends_on ?? {})) expect(compose.services).toHaveProperty([needed]);
      for (const volume of service.volumes ?? []) expect(compose.volumes).toHaveProperty([volume.split(":")[0] ?? ""]);
    }
  });
});
