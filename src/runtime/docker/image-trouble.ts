/**
 * What an image lacks, read from what the engine said when it could not make or start a container of it.
 */
import { PgrepKitError } from "../../support/errors.ts";
import { EngineError, asPgrepKitError } from "./engine-error.ts";
import { SERVER_USER } from "./names.ts";

/** The error for people, whether the image is to blame or not. */
export function imageTrouble(thrown: unknown, image: string): unknown {
  if (!(thrown instanceof EngineError)) return thrown;
  if (/no such image/i.test(thrown.message)) return imageMissing(image, "It is not on this machine.", thrown);
  if (/unable to find user|no matching entries in passwd/i.test(thrown.message))
    return userMissing(image, thrown);
  if (/exec: "?\/bin\/sh"?: .*(no such file|not found|permission denied)/i.test(thrown.message)) {
    return new PgrepKitError("image-unusable", {
      message: `the image ${image} has no shell: /bin/sh cannot run`,
      detail: thrown.message,
      hint: "Choose an image with /bin/sh, the PostgreSQL server and a postgres user; the official postgres images have them.",
      cause: thrown,
    });
  }
  return asPgrepKitError(thrown, `make or start a container of the image ${image}`);
}

export function imageMissing(image: string, detail: string, cause?: unknown): PgrepKitError {
  return new PgrepKitError("image-missing", {
    message: `the image ${image} is missing`,
    detail,
    hint: `Pull it by hand (docker pull ${image}), or name an image that is on this machine: for a new cluster with --image, otherwise under image: in the cluster file.`,
    cause,
  });
}

export function userMissing(image: string, cause?: unknown): PgrepKitError {
  return new PgrepKitError("user-missing", {
    message: `the image ${image} has no user ${SERVER_USER}`,
    hint: "Choose an image with the PostgreSQL server and a postgres user; the official postgres images have both.",
    cause,
  });
}
