#!/bin/bash
# sbatch slurm.sh: 4 nodes with 8 GPUs each, one process a node, which has all of its GPUs.
#SBATCH --job-name=headway
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@120
# Two minutes before its time is over every process gets SIGTERM: a checkpoint is written, and the exit code is 143.

set -u
RUN=/shared/runs/lm
TRAIN="headway train --mesh data=4,fsdp=8"

# srun starts the processes; in the body of this file alone there would be one.
if [ -e "$RUN/recipe.json" ]; then
    srun --kill-on-bad-exit=1 $TRAIN --resume "$RUN"
else
    srun --kill-on-bad-exit=1 $TRAIN recipe.json --out "$RUN"
fi
code=$?
[ "$code" -eq 143 ] && sbatch "$0"  # stopped for time: queue up again, and go on
exit "$code"
