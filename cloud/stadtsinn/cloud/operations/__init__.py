"""What those are told who run the installation: its certificates, disks, edges and devices."""
