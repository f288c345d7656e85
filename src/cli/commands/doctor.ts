/** `doctor`: checks the machine and the cluster; every finding comes with its remedy. Warnings alone do not fail it. */
import { doctorReport } from "../../monitor/doctor/doctor-report.ts";
import { examine } from "../../monitor/doctor/examine.ts";
import { doctorFacts } from "../doctor-facts.ts";
import type { GlobalOptions } from "../find-cluster.ts";
import { renderDoctor } from "../render/doctor.ts";
import { type OutputFormat, formatStructured } from "../render/structured.ts";
import { screenOf } from "../render/style.ts";
import { EXIT, print } from "../terminal.ts";

export interface DoctorOptions {
  readonly output: OutputFormat;
}

export async function doctor({ output }: DoctorOptions, globals: GlobalOptions): Promise<number> {
  const examination = examine(await doctorFacts(globals));
  print(
    output === "table"
      ? renderDoctor(examination, screenOf(process.stdout, process.env)).join("\n")
      : await formatStructured(output, doctorReport(examination, Date.now())),
  );
  return examination.failed > 0 ? EXIT.badVerdict : EXIT.done;
}
