"""WHERE: a machine, which is a device with so many threads; its clock, and what disturbs it.

Takes names that people type: a device (`cpu`, `cuda:1`) and a number of threads.
Gives a `Machine`; a `Clock` that waits for what the device still computes; the `Environment` that
is kept with every result; and each `Warning` that a measurement can carry, with its text.
May import `cnnbench.errors` and `cnnbench.units`, torch, psutil and NVML: nothing of networks.

A new kind of device goes into `device.py` (`KINDS`, its name, its free memory) and `clocks.py`;
what a vendor's driver says of it into a file beside `gpu.py`. A new disturbance is a counter in
`disturbances.py` and its text in `warnings.py`; what is read of the operating system comes from
psutil, and only what psutil lacks (the control groups' quota, governors) is read by hand.
"""
