/* In the place of doctor_vulkan.c where Vulkan's headers were not there when PearVisor was built. */
#include "cli/doctor.h"

void doctor_vulkan(void) {
    doctor_line(false, "Vulkan device", "not looked for: PearVisor was built without Vulkan's headers");
}
