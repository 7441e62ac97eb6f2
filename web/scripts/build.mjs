// Builds dist anew: npm run build
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { thinMaps } from "./maps.mjs";

rmSync("dist", { recursive: true, force: true });
execFileSync("tsdown", ["--log-level", "warn"], { stdio: "inherit" });
thinMaps("dist");
