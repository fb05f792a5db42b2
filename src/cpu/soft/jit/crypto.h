/* Which of the host's extensions the emitters of crypto may use. */
#pragma once

/* Looks; call before anything is translated. */
void jit_crypto_detect(void);
