# Sourced by what runs tests. Open MPI may run as root, with more ranks than cores, and gives the core away while it waits; so do
# the threads of OpenMP, for tests run beside other work.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMP_WAIT_POLICY=passive
