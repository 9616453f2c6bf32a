# ringfence: `make` builds everything into build/, `make check` runs the checks, `make help` lists the targets.
include scripts/build.mk
