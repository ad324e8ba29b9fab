/**
 * Tasks, as `/openapi.json` describes them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { taskListQuerySchema } from "../../shared/api/admin.ts";
import { taskListSchema, taskSchema } from "../../shared/api/tasks.ts";
import type { AdminRoute } from "./admin-route.ts";
import { json } from "./responses.ts";

const task = z.string().openapi({ param: { name: "task", in: "path" }, description: "Task id." });
const taskParams = z.object({ task });

export const taskRoutes: AdminRoute[] = [
  {
    maxBodyBytes: 0,
    config: {
      method: "get",
      path: "/v1/tasks",
      tags: ["tasks"],
      summary: "Tasks, newest first",
      request: { query: taskListQuerySchema },
      responses: { 200: json(taskListSchema, "One page of the list, without the documents of each.") },
    },
  },
  {
    maxBodyBytes: 0,
    config: {
      method: "get",
      path: "/v1/tasks/{task}",
      tags: ["tasks"],
      summary: "One task, with what became of each document",
      request: { params: taskParams },
      responses: { 200: json(taskSchema, "The task.") },
    },
  },
  {
    maxBodyBytes: 0,
    config: {
      method: "post",
      path: "/v1/tasks/{task}/cancel",
      tags: ["tasks"],
      summary: "Cancel a task: at once if it waits, before its next commit if it is under way",
      request: { params: taskParams },
      responses: { 200: json(taskSchema, "The task.") },
    },
  },
];
